"""Questions of a source → the data of a run: token ids, windows and answers of each split."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from datasets import Dataset

from ..compat.datasets import content_hash, fingerprint_of
from ..contract import PreparedData
from ..data.questions import Questions
from ..data.sequences import SequenceFormat, sequence_formats
from ..errors import DataError
from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.schema import Score
from .answers import AnswerCheck
from .collator import DataCollatorForQuestionAnswering
from .config import QAConfig
from .examples import QAExamples, answer_spans
from .tokens import tokenize_questions
from .windows import Windows, build_windows


@dataclass(frozen=True)
class QASplit:
    """Questions of a split, and their windows."""

    rows: Dataset
    examples: QAExamples
    """The windows that are used."""
    windows: Windows
    """All windows."""
    check: AnswerCheck

    @cached_property
    def references(self) -> list[list[str]]:
        """Answers of each question; none where there is no answer."""
        return [answers["text"] for answers in self.rows["answers"]]

    @cached_property
    def titles(self) -> list[str]:
        """Article of each question."""
        titles: list[str] = self.rows["title"][:]
        return titles

    @cached_property
    def contexts(self) -> list[str]:
        """Context of each question."""
        contexts: list[str] = self.rows["context"][:]
        return contexts


@dataclass(frozen=True, kw_only=True)
class QAData(PreparedData):
    """Data of question answering."""

    train_split: QASplit | None
    """None where a trained model is scored whose training questions are not at hand."""
    validation_split: QASplit
    own_splits: tuple[str, ...]
    """Published splits that are evaluated on as a whole; none where questions were held out, limited or given."""
    threshold: float | None = None
    """Probability of no answer above which a trained model abstains; none means that it is fitted."""


def build_split(rows: Dataset, config: QAConfig, tokenizer: Any, format: SequenceFormat, train: bool) -> QASplit:
    """Return a split with its windows.

    Args:
        rows: questions.
        config: lengths.
        tokenizer: of the model.
        format: of question and context.
        train: whether the split is trained on, with valid windows alone.
    """
    tokens = tokenize_questions(rows, tokenizer)
    spans, check = answer_spans(rows, tokens)
    windows = build_windows(tokens, config, format, spans)
    examples = QAExamples(tokens, windows)
    missing = np.isin(rows["id"][:], check.missing)
    if train:
        return QASplit(rows, examples.for_training(missing), windows, check)
    references = content_hash([rows[column][:] for column in ("title", "context", "answers")])
    return QASplit(rows, examples.for_eval(missing, references), windows, check)


def build_data(
    questions: Questions,
    config: QAConfig,
    choose_tokenizer: Callable[[Iterable[str], str], Any],
    lengths: Sequence[int] | None,
    limited: bool,
) -> QAData:
    """Return the data of a run.

    Args:
        questions: by split.
        config: lengths.
        choose_tokenizer: training texts and what identifies them → `TokenizerChoice`.
        lengths: that batches may have; none means any.
        limited: whether the validation split is not the whole published one.

    Raises:
        DataError: there is no answer to train on.
    """
    columns = (questions.train["context"], questions.train["question"])
    texts = (text for column in columns for text in column)
    choice = choose_tokenizer(texts, fingerprint_of(questions.train))
    tokenizer = choice.tokenizer
    _, pair = sequence_formats(tokenizer, choice.takes_types)
    train = build_split(questions.train, config, tokenizer, pair, train=True)
    _check_learnable(train)
    validation = build_split(questions.validation, config, tokenizer, pair, train=False)
    has_answer = [bool(answers) for answers in validation.references]
    abstaining = any(has_answer) and not all(has_answer)
    return QAData(
        name=questions.name,
        tokenizer=tokenizer,
        initial_model=choice.model,
        train=train.examples,
        validation={"validation": validation.examples},
        collator=DataCollatorForQuestionAnswering(tokenizer.pad_token_id, pair, lengths),
        glossary=glossary(abstaining),
        best_metric="fit_f1" if abstaining else "f1",
        notes=(*choice.notes, *questions.notes, *missing_notes({"train": train, "validation": validation})),
        train_split=train,
        validation_split=validation,
        own_splits=() if limited or questions.held_out else ("validation",),
    )


def glossary(abstaining: bool) -> tuple[Score, ...]:
    """Return the scores of an evaluation in the order to show them.

    Args:
        abstaining: whether some questions have no answer, so that a threshold is fitted.
    """
    shown = ["exact", "f1"]
    shown += ["HasAns_f1", "NoAns_f1", "best_f1", "threshold", "fit_f1"] if abstaining else []
    return tuple(KNOWN_SCORES["question_answering"][key] for key in (*shown, "loss", "non_finite_windows"))


def _check_learnable(split: QASplit) -> None:
    if (split.examples.windows.start > 0).any():
        return
    missing = split.check.missing
    raise DataError(
        f"There is no answer to train on in {len(split.rows):,} questions: {len(missing):,} have answers that are "
        "not at their answer_start (`answer_start` counts characters of the context, not bytes; ids "
        f"{', '.join(missing[:5])}), and the others are longer than a window."
    )


def missing_notes(splits: Mapping[str, QASplit]) -> list[str]:
    """Return a note on each split that has answers which are not in their contexts."""
    consequences = {"train": "they are not trained on"}
    scored = "they are scored against the answers given"
    return [
        f"{len(split.check.missing):,} questions of the {name} split have answers that are not in the context at their "
        f"answer_start; {consequences.get(name, scored)}: {', '.join(split.check.missing[:5])}"
        f"{' …' if len(split.check.missing) > 5 else ''}"
        for name, split in splits.items()
        if split.check.missing
    ]
