"""When to say "no answer": a threshold fitted on one half of the questions and scored on the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .metrics import AnswerScores, best_threshold, squad_scores


@dataclass(frozen=True)
class FittedThreshold:
    """A threshold for the probability of no answer, and what it scores on questions that it has not seen."""

    threshold: float
    """Above it a question goes unanswered."""
    fitted_on: int
    """Number of questions that it was fitted on."""
    scores: dict[str, float]
    """Figures of the official script on the other questions, in percent."""


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
    """Fit the threshold of the best F1 on half of the questions, and score it on the other half.

    Args:
        told: scores of all questions.
        no_answer: probability of no answer of each, (questions,).
        titles: article of each.
    """
    fit = halves(titles)
    _, last = best_threshold(told.f1[fit], told.take(fit), no_answer[fit])
    above = no_answer[fit][no_answer[fit] > last]
    threshold = (last + float(above.min())) / 2 if len(above) else 1.0  # half-way to the first that goes unanswered
    return FittedThreshold(threshold, int(fit.sum()), squad_scores(told.take(~fit), no_answer[~fit], threshold))
