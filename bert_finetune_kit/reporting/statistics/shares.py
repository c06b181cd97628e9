"""Intervals of shares, which have a width at 0% and 100%, too."""

import numpy as np
from scipy import stats

from .clusters import Units, sums_by_unit
from .resampling import jackknife_error, ratio


def wilson(successes: int, total: int) -> tuple[float, float]:
    """Return the score interval of a share (Wilson 1927), which is not empty at 0% and 100%."""
    interval = stats.binomtest(successes, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def share_interval(correct: np.ndarray, units: Units) -> tuple[float, float]:
    """Return the 95% interval of a share of examples: Wilson's, with the number of examples that units are worth.

    Examples of one unit resemble each other, so that they say less than as many independent ones. Their number is
    divided by the design effect (Kish 1965), and the quantile is that of t (Korn and Graubard 1998). Where each example
    is a unit of its own, it is the interval of Wilson (1927).

    Args:
        correct: 0 or 1 of each example, (examples,).
        units: of the examples.
    """
    if units.are_examples:
        return wilson(int(correct.sum()), len(correct))
    return _score_interval(
        float(correct.mean()), effective_examples(correct, units), float(stats.t.ppf(0.975, units.freedom))
    )


def effective_examples(correct: np.ndarray, units: Units) -> float:
    """Return how many independent examples a share of examples in units is worth (Kish 1965).

    At 0% and 100% nothing is known of how units differ: each is worth one example.

    Args:
        correct: 0 or 1 of each example, (examples,).
        units: of the examples.
    """
    share = float(correct.mean())
    if not 0 < share < 1:
        return float(units.count)
    sums = sums_by_unit(np.stack([correct, np.ones(len(correct))], axis=1).astype(float), units)
    variance = jackknife_error(ratio(sums.sum(0) - sums)) ** 2
    return float(min(len(correct), share * (1 - share) / max(variance, 1e-12)))


def upper_share(successes: np.ndarray, units: Units, level: float) -> float:
    """Return the upper bound of a share: that of Clopper and Pearson (1934), of examples in units with the number that
    they are worth and the quantile of t (Korn and Graubard 1998).

    Args:
        successes: 0 or 1 of each example, (examples,).
        units: of the examples.
        level: probability with which the share may be above it.
    """
    total = float(len(successes))
    if not units.are_examples:
        normal, student = stats.norm.isf(level), stats.t.isf(level, units.freedom)
        total = effective_examples(successes, units) * float(normal / student) ** 2
    found = float(np.mean(successes)) * total
    return 1.0 if found >= total else float(stats.beta.isf(level, found + 1, total - found))


def _score_interval(share: float, total: float, quantile: float) -> tuple[float, float]:
    square = quantile**2 / total
    centre = (share + square / 2) / (1 + square)
    half = quantile / (1 + square) * np.sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))
