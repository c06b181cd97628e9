"""When to say "no answer": a threshold fitted on one half of the questions and scored on the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from ..data.questions import passages
from .metrics import AnswerScores, best_threshold

# A side with less of the questions than this is none to score on.
_LEAST_SHARE = 0.25
_MOST_ODDS = 12.0  # of a histogram: beyond a probability of 0.999994 nobody tells them apart


@dataclass(frozen=True)
class FittedThreshold:
    """A threshold for the probability of no answer, fitted on some of the questions."""

    threshold: float
    """Above it a question goes unanswered."""
    fit: np.ndarray
    """(questions,) bool: those that it was fitted on."""
    f1: float
    """F1 on these, in percent: the best that a threshold can have, so no score."""
    by: str
    """What was dealt out to the two sides whole: articles, contexts or questions."""


def halves(groups: Sequence[str]) -> np.ndarray:
    """Return which questions are to fit on, (questions,) bool: half of them, in whole groups, the same in every run.

    Args:
        groups: name of the group of each question.
    """
    numbers = np.unique(np.array(groups, object).astype(str), return_inverse=True)[1]
    sizes = np.bincount(numbers)
    order = np.random.default_rng(0).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    chosen = np.zeros(len(sizes), bool)
    filled = [0, 0]
    for group in order:
        half = int(filled[1] < filled[0])
        filled[half] += int(sizes[group])
        chosen[group] = half == 0
    return chosen[numbers]


def deal_out(has_answer: np.ndarray, titles: Sequence[str], contexts: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return which questions are to fit on, and what was dealt out whole.

    Articles, where there are enough of them: questions on one text resemble each other, and a threshold would be fitted
    on what it is scored on. Where that leaves a side with too few questions, or with none of a kind, contexts; at last
    single questions.

    Args:
        has_answer: (questions,) bool.
        titles: article of each question, empty where it is not known.
        contexts: context of each question.
    """
    questions = [str(number) for number in range(len(has_answer))]
    named = (
        ("articles" if any(titles) else "contexts", passages(titles, contexts)),
        ("contexts", contexts),
        ("questions", questions),
    )
    for name, groups in named:
        fit = halves(groups)
        if min(fit.mean(), 1 - fit.mean()) >= _LEAST_SHARE and all(
            (side & kind).any() for side in (fit, ~fit) for kind in (has_answer, ~has_answer)
        ):
            return fit, name
    return fit, name


def fit_threshold(
    scored: AnswerScores, no_answer: np.ndarray, titles: Sequence[str], contexts: Sequence[str]
) -> FittedThreshold:
    """Fit the threshold of the best F1 on half of the questions, so that the other half can tell what it is worth.

    Args:
        scored: scores of all questions.
        no_answer: probability of no answer of each, (questions,).
        titles: article of each.
        contexts: context of each.
    """
    fit, by = deal_out(scored.has_answer, titles, contexts)
    best, last = best_threshold(scored.f1[fit], scored.take(fit), no_answer[fit], part_ties=False)
    above = no_answer[fit][no_answer[fit] > last]
    threshold = (last + float(above.min())) / 2 if len(above) else 1.0  # half-way to the first that goes unanswered
    return FittedThreshold(threshold, fit, best, by)


def score_histogram(no_answer: np.ndarray, has_answer: np.ndarray, threshold: float, bins: int = 24) -> dict[str, Any]:
    """Count questions with and without an answer by their probability of no answer.

    Bins have equal width in log-odds, since most probabilities of a trained model are close to 0 or 1. The first and
    the last hold what lies beyond, too.

    Args:
        no_answer: probability of no answer, (questions,).
        has_answer: (questions,) bool.
        threshold: above it a question goes unanswered; it lies within the bins.
        bins: how many.

    Returns:
        `edges` (bins + 1) as probabilities, `answerable` and `unanswerable` (bins) counts, `threshold`.
    """
    odds, place = (
        np.clip(logit(np.asarray(value, np.float64)), -_MOST_ODDS, _MOST_ODDS) for value in (no_answer, threshold)
    )
    low = min(*np.percentile(odds, (1, 50)), place) - 0.5
    high = max(*np.percentile(odds, (50, 99)), place) + 0.5
    edges = np.linspace(low, high, bins + 1)
    inside = np.clip(odds, low, high)
    counts = [np.histogram(inside[kind], edges)[0].tolist() for kind in (has_answer, ~has_answer)]
    return {
        "edges": expit(edges).tolist(),
        "answerable": counts[0],
        "unanswerable": counts[1],
        "threshold": float(threshold),
    }
