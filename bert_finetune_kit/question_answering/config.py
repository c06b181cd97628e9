"""How questions are answered."""

from dataclasses import dataclass

from ..modeling.finetuning import FineTuningConfig


@dataclass(frozen=True)
class QAConfig(FineTuningConfig):
    """Settings of extractive question answering. Defaults are those of the BERT paper's scripts."""

    max_length: int = 384
    """Longest sequence in tokens: question, window of the context, special tokens."""
    doc_stride: int = 128
    """Tokens that two windows of a context share."""
    max_question_length: int = 64
    """Longer questions are cut, and counted."""
    n_best: int = 20
    """Starts, ends and spans that are kept of each window and question."""
    max_answer_length: int = 30
    """Longest answer in tokens."""

    def _faults(self) -> list[str]:
        faults = super()._faults()
        for name in ("max_question_length", "n_best", "max_answer_length"):
            if getattr(self, name) < 1:
                faults.append(f"{name} is {getattr(self, name)}: at least 1 is needed")
        room = self.max_length - self.max_question_length - 3
        if room < 2:
            faults.append(
                f"max_length is {self.max_length}: beside a question of {self.max_question_length} tokens there is no "
                "room for a context; raise it, or lower max_question_length"
            )
        elif not 0 <= self.doc_stride < room:
            faults.append(
                f"doc_stride is {self.doc_stride}: windows of {room} tokens of context can share 0 to {room - 1}"
            )
        return faults
