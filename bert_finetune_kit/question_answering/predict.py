"""A trained model at work: questions and contexts → answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from ..data.questions import as_questions, open_questions
from ..errors import DataError
from ..modeling.inference import run_batches
from .config import QAConfig
from .decoding import Told
from .features import QAExamples
from .postprocess import WindowSpans


@dataclass(frozen=True)
class Answer:
    """What a model says to a question."""

    text: str | None
    """The answer as it stands in the context; none means that the context does not answer the question."""
    score: float
    """Probability of this among the n best spans and no answer."""
    start: int | None
    """First character of the answer in the context."""
    end: int | None
    """The character after its last."""
    no_answer: float
    """Probability of no answer beside the best span alone, which is held against the threshold."""
    n_best: tuple[tuple[str, float], ...]
    """The best spans with their probabilities, the best first, whether or not the question was answered."""


def to_rows(given: Any, question: Any, context: Any) -> Dataset:
    """Return what is to be answered as rows of questions.

    Args:
        given: a `Dataset` or `Path` with the columns question and context, or none.
        question: a question or a list of them.
        context: the context of all, or a list with one for each question.

    Raises:
        DataError: it is none of these, or a question or context is no text.
    """
    if given is not None:
        if question is not None or context is not None:
            raise DataError("Give a Dataset or Path of questions, or question= and context=: not both.")
        if not isinstance(given, Dataset | Path):
            raise DataError(
                f"A {type(given).__name__} holds no questions: give question= and context=, a Dataset or a Path."
            )
        return open_questions(given)
    if question is None or context is None:
        raise DataError("predict needs question= and context=, or a Dataset or Path with columns of these names.")
    for name, told in (("question", question), ("context", context)):
        if not isinstance(told, Iterable):
            raise DataError(f"The {name} is {told!r}: a text or a list of texts is needed.")
    questions = [question] if isinstance(question, str) else list(question)
    contexts = [context] * len(questions) if isinstance(context, str) else list(context)
    if len(questions) != len(contexts):
        raise DataError(
            f"There are {len(questions)} questions and {len(contexts)} contexts: give one context for all, or one each."
        )
    for number, pair in enumerate(zip(questions, contexts, strict=True)):
        for name, text in zip(("question", "context"), pair, strict=True):
            if not isinstance(text, str):
                raise DataError(f"The {name} with number {number} is {text!r}, which is no text.")
        if not pair[0].strip():
            raise DataError(f"The question with number {number} is empty.")
    if not questions:
        raise DataError("There is nothing to answer: the list of questions is empty.")
    return as_questions({"question": questions, "context": contexts})


def predict_spans(
    model: Any, examples: QAExamples, collator: Callable[[list[Any]], Any], config: QAConfig, batch_size: int
) -> WindowSpans:
    """Return the best spans of all windows."""
    shape = (len(examples), config.n_best)
    scores, places, null = np.zeros(shape, np.float32), np.zeros((2, *shape), np.int64), np.zeros(shape[0], np.float32)
    for rows, output in run_batches(model, examples, examples.windows.lengths, collator, batch_size):
        scores[rows] = output.span_scores.float().cpu().numpy()
        places[0, rows], places[1, rows] = output.span_starts.cpu().numpy(), output.span_ends.cpu().numpy()
        null[rows] = output.null_scores.float().cpu().numpy()
    return WindowSpans(scores, places[0], places[1], null)


def to_answers(told: Told, threshold: float) -> list[Answer]:
    """Return what is said to each question: nothing where its probability of no answer exceeds the threshold."""
    probabilities, no_answer = told.spans.probabilities(), told.spans.no_answer
    answers = []
    for number in range(len(no_answer)):
        found: Sequence[float] = probabilities[number].tolist()
        spans = tuple(
            (told.text(number, place), value)
            for place, value in enumerate(found[:-1])
            if np.isfinite(told.spans.scores[number, place])
        )
        share = float(no_answer[number])
        if not spans or share > threshold:
            answers.append(Answer(None, found[-1], None, None, share, spans))
        else:
            place = int(told.begin[number, 0]), int(told.end[number, 0])
            answers.append(Answer(spans[0][0], found[0], *place, share, spans))
    return answers
