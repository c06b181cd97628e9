"""Exact match and F1 of answers as SQuAD scores them (Rajpurkar et al. 2016, 2018; the official evaluate-v2.0.py)."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Return an answer as it is compared: lower case, without punctuation, English articles and extra white space.

    >>> normalize_answer("The  U.S. Army!")
    'us army'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answer: str) -> float:
    """Return 1 if two answers are the same once normalized, else 0."""
    return float(normalize_answer(prediction) == normalize_answer(answer))


def f1_score(prediction: str, answer: str) -> float:
    """Return the F1 of the words of two answers; where either has no words, 1 if both have none, else 0.

    >>> round(f1_score("the old town hall", "town hall of Ghent"), 3)
    0.571
    """
    predicted, gold = normalize_answer(prediction).split(), normalize_answer(answer).split()
    if not predicted or not gold:
        return float(predicted == gold)
    shared = sum((Counter(predicted) & Counter(gold)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(gold)
    return 2 * precision * recall / (precision + recall)  # in the order of the official script, to its last digit


@dataclass(frozen=True)
class AnswerScores:
    """Scores of each question before any threshold, (questions,)."""

    exact: np.ndarray
    f1: np.ndarray
    has_answer: np.ndarray
    """bool: whether the question has an answer."""
    answered: np.ndarray
    """bool: whether the prediction is a text."""

    def take(self, chosen: np.ndarray) -> "AnswerScores":
        """Return the scores of some of the questions."""
        return AnswerScores(self.exact[chosen], self.f1[chosen], self.has_answer[chosen], self.answered[chosen])


def score_answers(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> AnswerScores:
    """Score each prediction against the best of its answers.

    Args:
        predictions: an answer to each question, empty for "no answer".
        references: the answers of each question; none where there is no answer.
    """
    golds = [[gold for gold in answers if normalize_answer(gold)] or [""] for answers in references]
    pairs = list(zip(predictions, golds, strict=True))
    return AnswerScores(
        np.array([max(exact_match(text, gold) for gold in answers) for text, answers in pairs]),
        np.array([max(f1_score(text, gold) for gold in answers) for text, answers in pairs]),
        np.array([bool(answers) for answers in references]),
        np.array([bool(text) for text in predictions]),
    )


def with_threshold(scores: np.ndarray, scored: AnswerScores, no_answer: np.ndarray, threshold: float) -> np.ndarray:
    """Return the scores of abstaining where the probability of no answer exceeds `threshold`."""
    return np.where(no_answer > threshold, ~scored.has_answer, scores).astype(float)


def best_threshold(
    scores: np.ndarray, scored: AnswerScores, no_answer: np.ndarray, split_ties: bool = True
) -> tuple[float, float]:
    """Return the highest mean score in percent that a threshold can give, and the threshold.

    The threshold is fitted on the answers that it is scored on: an upper bound ("oracle"), not a score.

    Args:
        scores: exact match or F1 of each question, (questions,).
        scored: which questions have an answer, and which were answered.
        no_answer: probability of no answer of each question, (questions,).
        split_ties: whether questions of equal probability may be answered in part, which no threshold can do and the
            official script does.
    """
    order = np.argsort(no_answer, kind="stable")
    gain = np.where(scored.has_answer, scores, np.where(scored.answered, -1.0, 0.0))[order]
    # Totals of answering the first n questions in this order, those of the lowest probability, and of no more.
    totals = np.cumsum([float((~scored.has_answer).sum()), *gain])
    if not split_ties:
        ordered = no_answer[order]
        totals[1:-1][ordered[1:] == ordered[:-1]] = -np.inf
    best = int(totals.argmax())
    return float(100.0 * totals[best] / len(scores)), float(no_answer[order][best - 1]) if best else 0.0


def squad_scores(scored: AnswerScores, no_answer: np.ndarray | None = None, threshold: float = 1.0) -> dict[str, float]:
    """Return the figures of the official script, in percent, under its names.

    Args:
        scored: scores of each question.
        no_answer: probability of no answer of each question, (questions,); none means 0, and no `best_*` figures.
        threshold: above which the model abstains; at 1, the default of the official script, it never does.
    """
    count = len(scored.exact)
    null = np.zeros(count) if no_answer is None else no_answer
    columns = {name: with_threshold(getattr(scored, name), scored, null, threshold) for name in ("exact", "f1")}
    scores: dict[str, float] = {name: 100.0 * sum(values.tolist()) / count for name, values in columns.items()}
    scores["total"] = count
    for prefix, chosen in (("HasAns", scored.has_answer), ("NoAns", ~scored.has_answer)):
        number = int(chosen.sum())
        if not number:
            continue
        scores |= {
            f"{prefix}_{name}": 100.0 * sum(values[chosen].tolist()) / number for name, values in columns.items()
        }
        scores[f"{prefix}_total"] = number
    if no_answer is not None:
        for name in ("exact", "f1"):
            best, best_at = best_threshold(getattr(scored, name), scored, no_answer)
            scores |= {f"best_{name}": best, f"best_{name}_thresh": best_at}
    return scores
