"""Settings of question answering."""

from dataclasses import dataclass

from ..modeling.finetuning_config import FineTuningConfig
from ..settings import setting


@dataclass(frozen=True)
class QAConfig(FineTuningConfig):
    """Settings of extractive question answering. Defaults are those of the BERT paper's scripts."""

    max_length: int = setting(
        384, "Maximum sequence length in tokens: question, window of the context, special tokens."
    )
    doc_stride: int = setting(128, "Overlap in tokens of two windows of a context.")
    max_question_length: int = setting(
        64, "Maximum length of a question in tokens; longer questions are truncated, and counted."
    )
    n_best: int = setting(20, "Number of start positions, end positions and spans kept per window and per question.")
    max_answer_length: int = setting(30, "Maximum length of an answer in tokens.")

    def _faults(self) -> list[str]:
        faults = super()._faults()
        for name in ("max_question_length", "n_best", "max_answer_length"):
            if getattr(self, name) < 1:
                faults.append(f"{name} is {getattr(self, name)}: at least 1 is needed")
        max_tokens = self.max_length - self.max_question_length - 3
        if max_tokens < 2:
            faults.append(
                f"max_length is {self.max_length}: a question of {self.max_question_length} tokens leaves too few "
                "tokens for a context; raise it, or lower max_question_length"
            )
        elif not 0 <= self.doc_stride < max_tokens:
            faults.append(
                f"doc_stride is {self.doc_stride}: windows of {max_tokens} tokens of context can overlap by 0 to "
                f"{max_tokens - 1}"
            )
        return faults
