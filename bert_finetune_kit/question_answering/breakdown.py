"""Scores by kind of question, and the worst errors."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..reporting.details import AnswerError, GroupScores
from .predictions import SpanPredictions

_QUESTION_WORD = re.compile(r"\b(how many|how much|what|who|whom|whose|when|where|which|why|how)\b", re.IGNORECASE)
_SAME_WORD = {"whom": "who", "whose": "who", "how much": "how many"}
_ANSWER_WORDS = (1, 2, 4, 8)  # minimum of each group but "no answer"
_CONTEXT_WORDS = (1, 101, 151, 201)


def question_word(question: str) -> str:
    """Return the first question word of a question.

    >>> question_word("In which year did it close?"), question_word("Name the mill.")
    ('which', 'none')
    """
    match = _QUESTION_WORD.search(question)
    word = match[0].lower() if match else "none"
    return _SAME_WORD.get(word, word)


def length_group(words: int, minima: Sequence[int]) -> str:
    """Return the group that a number of words belongs to.

    >>> length_group(3, (1, 2, 4)), length_group(1, (1, 2, 4)), length_group(9, (1, 2, 4))
    ('2 to 3', '1', '4 and more')
    """
    group = max(bisect_right(minima, words) - 1, 0)
    if group == len(minima) - 1:
        return f"{minima[group]} and more"
    last = minima[group + 1] - 1
    return f"{minima[group]} to {last}" if last > minima[group] else str(last)


def groups(
    questions: Sequence[str], contexts: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, list[str]]:
    """Return the group of every question by kind of group: question word, length of the answer, of the context."""
    answers = [length_group(len(texts[0].split()), _ANSWER_WORDS) if texts else "no answer" for texts in references]
    return {
        "question word": [question_word(question) for question in questions],
        "words of the answer": answers,
        "words of the context": [length_group(len(context.split()), _CONTEXT_WORDS) for context in contexts],
    }


def scores_by_group(
    scores: Mapping[str, np.ndarray], answered: np.ndarray, names: Sequence[str]
) -> dict[str, GroupScores]:
    """Return the mean scores of each group in percent, the largest group first.

    Args:
        scores: `exact` and `f1` of each question, (questions,) from 0 to 1.
        answered: (questions,) bool.
        names: group of each question.
    """
    groups_of = np.array(names, object)
    by_group = {}
    for name in sorted(set(names), key=lambda group: (-int((groups_of == group).sum()), group)):
        chosen = groups_of == name
        by_group[name] = GroupScores(
            questions=int(chosen.sum()),
            exact=100.0 * float(scores["exact"][chosen].mean()),
            f1=100.0 * float(scores["f1"][chosen].mean()),
            answered=100.0 * float(answered[chosen].mean()),
        )
    return by_group


def worst_errors(
    f1: np.ndarray,
    has_answer: np.ndarray,
    abstains: np.ndarray,
    predictions: SpanPredictions,
    rows: Any,
    max_per_kind: int = 4,
) -> list[AnswerError]:
    """Return the errors with the highest probability of each kind.

    Args:
        f1: of each question at the threshold, (questions,).
        has_answer: (questions,) bool.
        abstains: (questions,) bool.
        predictions: the best spans of each question.
        rows: the questions.
        max_per_kind: maximum number of errors of each kind.
    """
    wrong = f1 == 0
    probabilities = predictions.spans.probabilities()
    confidence = np.where(abstains, probabilities[:, -1], probabilities[:, 0])
    kinds = {
        "answered an unanswerable question": wrong & ~has_answer & ~abstains,
        "wrong answer": wrong & has_answer & ~abstains,
        "abstained from an answerable question": wrong & has_answer & abstains,
    }
    errors = []
    for kind, chosen in kinds.items():
        numbers = np.flatnonzero(chosen)
        for number in numbers[np.argsort(-confidence[numbers], kind="stable")][:max_per_kind].tolist():
            row = rows[number]
            errors.append(
                AnswerError(
                    kind=kind,
                    id=row["id"],
                    question=row["question"],
                    answers=list(dict.fromkeys(row["answers"]["text"])),
                    prediction="" if abstains[number] else predictions.text(number),
                    probability=float(confidence[number]),
                    context=row["context"],
                )
            )
    return errors
