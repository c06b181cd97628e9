"""The best spans of questions as texts and as answers, in numpy alone."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from ..calibration.thresholds import Threshold
from ..data.cells import is_empty_cell
from ..errors import DataError
from ..inference.choices import NO_CHOICES, Choices
from .probabilities import probabilities
from .question_spans import QuestionSpans, WindowSpans, merge_windows
from .windows import Windows


@dataclass(frozen=True)
class Answer:
    """The prediction for one question."""

    text: str | None
    """The answer as it is in the context; none where the model abstains, for an empty question, and where it is
    refused. Answers and abstentions are those of the scores as they are: calibration changes none."""
    score: float
    """Calibrated probability of this among the n best spans and no answer; NaN for an empty question."""
    start: int | None
    """First character of the answer in the context."""
    end: int | None
    """The character after its last."""
    no_answer: float
    """Calibrated probability of no answer; NaN for an empty question. The threshold is one of the uncalibrated
    probability against the best span alone, which is the same where nothing was calibrated."""
    n_best: tuple[tuple[str, float], ...]
    """The best spans with their probabilities, the best first, whether or not the model abstains."""
    refused: bool = False
    """Whether the answer, or the abstention, is not sure enough for the coverage or risk that was asked for; `score` is
    the probability of what was refused."""


EMPTY = Answer(None, math.nan, None, None, math.nan, ())
"""What an empty question has in place of an answer."""


class ContextTokens(Protocol):
    """Where the tokens of contexts are in their texts."""

    def __len__(self) -> int:
        """Number of questions."""

    def characters(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the characters of spans of tokens in their contexts: the first, and the one after the last."""


@dataclass(frozen=True)
class SpanPredictions:
    """The best spans of questions as texts, before any decision to abstain."""

    contexts: Sequence[str]
    """Context of each question."""
    spans: QuestionSpans
    begin: np.ndarray
    """(questions, n_best) int: first character of each span in its context."""
    end: np.ndarray
    """(questions, n_best) int: the character after its last."""
    non_finite_windows: int = 0
    """Windows with NaN or infinite logits, which are skipped."""

    def text(self, question: int, rank: int = 0) -> str:
        """Return a span as it is in its context; an empty text where there is none."""
        if not np.isfinite(self.spans.scores[question, rank]):
            return ""
        return self.contexts[question][self.begin[question, rank] : self.end[question, rank]]

    @property
    def texts(self) -> list[str]:
        """The best span of each question."""
        columns = np.isfinite(self.spans.scores[:, 0]), self.begin[:, 0], self.end[:, 0]
        spans = zip(self.contexts, *(column.tolist() for column in columns), strict=True)
        return [context[begin:end] if exists else "" for context, exists, begin, end in spans]


def decode(outputs: WindowSpans, windows: Windows, tokens: ContextTokens, contexts: Sequence[str]) -> SpanPredictions:
    """Turn the spans of windows into those of questions.

    Args:
        outputs: spans of each window.
        windows: their positions.
        tokens: of the questions.
        contexts: text of the context of each question.
    """
    non_finite = ~np.isfinite(outputs.null) | np.isnan(outputs.scores).any(1)
    if non_finite.any():
        scores = np.where(non_finite[:, None], -np.inf, outputs.scores)
        outputs = WindowSpans(scores, outputs.starts, outputs.ends, np.where(non_finite, np.inf, outputs.null))
    spans = merge_windows(outputs, windows.question, windows.shift, len(tokens))
    spans.null[np.isinf(spans.null)] = 0.0  # no finite window: no answer
    exists = np.isfinite(spans.scores)
    begin, end = tokens.characters(np.where(exists, spans.starts, 0), np.where(exists, spans.ends, 0))
    return SpanPredictions(contexts, spans, begin, end, int(non_finite.sum()))


def question_texts(question: Any, context: Any) -> tuple[list[str], list[str]]:
    """Return questions and the context of each, as texts; one that is missing is empty.

    Args:
        question: a question or several.
        context: of all questions, or one for each.

    Raises:
        DataError: there is none, one is not a text, or there is another number of contexts.
    """
    if question is None or context is None:
        raise DataError("predict() needs question= and context=, or rows with columns of these names.")
    for name, value in (("question", question), ("context", context)):
        if hasattr(value, "columns"):
            raise DataError(f"The {name} is a {type(value).__name__}: give it alone, with columns of both names.")
        if not isinstance(value, Iterable) or isinstance(value, Mapping):
            raise DataError(f"The {name} is {value!r}: a text or a list of texts is needed.")
    questions = [question] if isinstance(question, str) else list(question)
    contexts = [context] * len(questions) if isinstance(context, str) else list(context)
    if len(contexts) != len(questions):
        raise DataError(
            f"There are {len(questions)} questions and {len(contexts)} contexts: give one context for all, or one each."
        )
    return _texts("question", questions), _texts("context", contexts)


def _texts(name: str, values: Sequence[Any]) -> list[str]:
    texts = ["" if is_empty_cell(value) else value for value in values]
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"The {name} with number {number} is {text!r}, which is not a text.")
    return texts


def to_answers(
    predictions: SpanPredictions, threshold: float, temperatures: Mapping[str, float] = MappingProxyType({})
) -> list[Answer]:
    """Return the answer to each question, with calibrated probabilities.

    Args:
        predictions: the best spans of each question.
        threshold: there is no answer where its uncalibrated probability is above this.
        temperatures: those that were fitted, by name; none means 1.
    """
    values_of_all, no_answer = probabilities(predictions.spans, temperatures)
    abstains = predictions.spans.no_answer > threshold
    answers = []
    for number in range(len(no_answer)):
        values: Sequence[float] = values_of_all[number].tolist()
        spans = tuple(
            (predictions.text(number, rank), value)
            for rank, value in enumerate(values[:-1])
            if np.isfinite(predictions.spans.scores[number, rank])
        )
        probability = float(no_answer[number])
        if not spans or abstains[number]:
            answers.append(Answer(None, values[-1], None, None, probability, spans))
        else:
            start, end = int(predictions.begin[number, 0]), int(predictions.end[number, 0])
            answers.append(Answer(spans[0][0], values[0], start, end, probability, spans))
    return answers


def refuse(answers: Sequence[Answer], selection: Threshold | None) -> list[Answer]:
    """Return answers without those that are not sure enough.

    Args:
        answers: to questions that are not empty.
        selection: which ones to refuse; none refuses none.
    """
    if selection is None:
        return list(answers)
    kept = selection.keeps(np.array([answer.score for answer in answers]))
    return [
        answer if keeps else replace(answer, text=None, start=None, end=None, refused=True)
        for answer, keeps in zip(answers, kept, strict=True)
    ]


def to_row(row: Mapping[str, Any], answer: Answer, choices: Choices = NO_CHOICES) -> dict[str, Any]:
    """Return the row of `predict_file` for a question.

    Args:
        row: of the file, as `as_questions` returns it.
        answer: to its question.
        choices: what was asked for beside the answer.

    Returns:
        `id`, `question`; `answer`, None where the model abstains, with its `score`, `start` and `end`; `no_answer`; and
        `refused` where answers may be refused. Figures of an empty question are None.
    """
    figures = {"score": answer.score, "no_answer": answer.no_answer}
    score, no_answer = (None if math.isnan(value) else value for value in figures.values())
    return {
        "id": row["id"], "question": row["question"], "answer": answer.text, "score": score, "start": answer.start,
        "end": answer.end, "no_answer": no_answer, **({"refused": answer.refused} if choices.selection else {}),
    }  # fmt: skip
