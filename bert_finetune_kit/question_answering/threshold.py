"""When to abstain: a threshold fitted on one half of the questions and evaluated on the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from ..data.groups import half_of_groups
from ..data.questions import passages
from ..reporting.details import NoAnswerHistogram
from .metrics import AnswerScores, best_threshold

# Where nothing can be fitted: abstain where no answer is more probable than the best span.
DEFAULT_THRESHOLD = 0.5
# A half with a smaller share of the questions is too small to evaluate on.
_MIN_SHARE = 0.25
_MAX_ODDS = 12.0  # of a histogram, in log-odds: probabilities beyond 0.999994 share a bin


@dataclass(frozen=True)
class FittedThreshold:
    """A threshold for the probability of no answer, fitted on half of the questions."""

    threshold: float
    """Above it the model abstains."""
    fit: np.ndarray
    """(questions,) bool: those that it was fitted on."""
    f1: float
    """F1 on these in percent: the best of all thresholds, so an upper bound."""
    split_by: str
    """What was kept together in the split: articles, contexts or questions."""


def split_for_threshold(
    has_answer: np.ndarray, titles: Sequence[str], contexts: Sequence[str]
) -> tuple[np.ndarray, str]:
    """Return which questions to fit the threshold on, and what was kept together.

    Articles are kept together where there are enough of them: questions on one text resemble each other, so a threshold
    would be evaluated on what it was fitted on. Where that leaves a half with too few questions, or without questions
    of one kind, contexts are kept together, and failing that single questions are split.

    Args:
        has_answer: (questions,) bool.
        titles: article of each question, empty where it is not known.
        contexts: context of each question.
    """
    questions = [str(number) for number in range(len(has_answer))]
    candidates = (
        ("articles" if any(titles) else "contexts", passages(titles, contexts)),
        ("contexts", contexts),
        ("questions", questions),
    )
    kinds = [kind for kind in (has_answer, ~has_answer) if kind.any()]
    for name, groups in candidates:
        fit = half_of_groups(groups)
        if min(fit.mean(), 1 - fit.mean()) >= _MIN_SHARE and all(
            (side & kind).any() for side in (fit, ~fit) for kind in kinds
        ):
            return fit, name
    return fit, name


def fit_threshold(
    scored: AnswerScores, no_answer: np.ndarray, titles: Sequence[str], contexts: Sequence[str]
) -> FittedThreshold:
    """Fit the threshold with the best F1 on half of the questions, so that it can be evaluated on the other half.

    Args:
        scored: scores of all questions.
        no_answer: probability of no answer of each, (questions,).
        titles: article of each.
        contexts: context of each.
    """
    fit, split_by = split_for_threshold(scored.has_answer, titles, contexts)
    best, last = best_threshold(scored.f1[fit], scored.take(fit), no_answer[fit], split_ties=False)
    above = no_answer[fit][no_answer[fit] > last]
    threshold = (last + float(above.min())) / 2 if len(above) else 1.0  # half-way to the first abstention
    return FittedThreshold(threshold, fit, best, split_by)


def score_histogram(
    no_answer: np.ndarray, has_answer: np.ndarray, threshold: float, bins: int = 24
) -> NoAnswerHistogram:
    """Count questions with and without an answer by their probability of no answer.

    Bins have equal width in log-odds, since most probabilities of a trained model are close to 0 or 1. The first and
    the last include everything beyond.

    Args:
        no_answer: probability of no answer, (questions,).
        has_answer: (questions,) bool.
        threshold: above it the model abstains; it lies within the bins.
        bins: how many.

    Returns:
        `edges` (bins + 1) as probabilities, `answerable` and `unanswerable` (bins) counts, `threshold`.
    """
    odds, threshold_odds = (
        np.clip(logit(np.asarray(value, np.float64)), -_MAX_ODDS, _MAX_ODDS) for value in (no_answer, threshold)
    )
    low = min(np.percentile(odds, 1), threshold_odds) - 0.5
    high = max(np.percentile(odds, 99), threshold_odds) + 0.5
    edges = np.linspace(low, high, bins + 1)
    inside = np.clip(odds, low, high)
    counts = [np.histogram(inside[kind], edges)[0].tolist() for kind in (has_answer, ~has_answer)]
    return {
        "edges": expit(edges).tolist(),
        "answerable": counts[0],
        "unanswerable": counts[1],
        "threshold": float(threshold),
    }
