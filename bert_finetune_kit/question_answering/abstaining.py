"""When to say "no answer": a threshold fitted on one half of the questions and scored on the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .metrics import AnswerScores, best_threshold


@dataclass(frozen=True)
class FittedThreshold:
    """A threshold for the probability of no answer, fitted on some of the questions."""

    threshold: float
    """Above it a question goes unanswered."""
    fit: np.ndarray
    """(questions,) bool: those that it was fitted on."""
    f1: float
    """F1 on these, in percent: the best that a threshold can have, so no score."""


def halves(titles: Sequence[str]) -> np.ndarray:
    """Return which questions are to fit on, (questions,) bool: half of the articles, without titles of the questions.

    An article is in one half alone: questions on one text resemble each other, and a threshold would be fitted on what
    it is scored on. The halves are the same in every run.
    """
    groups = np.unique(np.array(titles, object).astype(str), return_inverse=True)[1]
    if groups.max(initial=0) == 0:
        groups = np.arange(len(titles))
    sizes = np.bincount(groups)
    order = np.random.default_rng(0).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    chosen = np.zeros(len(sizes), bool)
    filled = [0, 0]
    for group in order:
        half = int(filled[1] < filled[0])
        filled[half] += int(sizes[group])
        chosen[group] = half == 0
    return chosen[groups]


def fit_threshold(told: AnswerScores, no_answer: np.ndarray, titles: Sequence[str]) -> FittedThreshold:
    """Fit the threshold of the best F1 on half of the questions, so that the other half can tell what it is worth.

    Args:
        told: scores of all questions.
        no_answer: probability of no answer of each, (questions,).
        titles: article of each.
    """
    fit = halves(titles)
    best, last = best_threshold(told.f1[fit], told.take(fit), no_answer[fit])
    above = no_answer[fit][no_answer[fit] > last]
    threshold = (last + float(above.min())) / 2 if len(above) else 1.0  # half-way to the first that goes unanswered
    return FittedThreshold(threshold, fit, 100.0 * best)
