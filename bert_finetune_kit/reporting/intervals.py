"""95% confidence intervals of scores, over the choice of the evaluation examples."""

import math
from typing import TypeAlias

import numpy as np
from scipy import stats

Interval: TypeAlias = tuple[float, float]
"""(low, high)"""
DRAWS = 1000
"""Bootstrap draws."""


def wilson(successes: int, total: int) -> Interval:
    """Return the score interval of a share (Wilson 1927), which is not empty at 0% and 100%."""
    interval = stats.binomtest(successes, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def fisher(correlation: float, total: int) -> Interval:
    """Return the interval of a correlation of `total` pairs, more than three, by Fisher's transformation (1921).

    >>> low, high = fisher(-0.148, 40)
    >>> round(low, 3), round(high, 3)
    (-0.439, 0.171)
    """
    centre, width = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12)), 1.959964 / math.sqrt(total - 3)
    return float(np.tanh(centre - width)), float(np.tanh(centre + width))


def percentiles(draws: np.ndarray) -> Interval:
    """Return the middle 95% of bootstrap draws (Efron 1979), (draws,); draws that leave a score undefined (NaN) are
    skipped.
    """
    low, high = np.nanpercentile(draws, (2.5, 97.5))
    return float(low), float(high)


def mean_interval(values: np.ndarray, seed: int = 0) -> Interval:
    """Return the interval of a mean by bootstrap.

    Args:
        values: one for each example, (examples,).
        seed: of the draws.
    """
    return ratio_interval(values, np.ones(len(values)), seed)


def ratio_interval(numerators: np.ndarray, denominators: np.ndarray, seed: int = 0) -> Interval:
    """Return the interval of sum(numerators) / sum(denominators) by bootstrap over examples.

    Args:
        numerators: of each example, such as its summed loss, (examples,).
        denominators: of each example, such as its number of masked words, (examples,); some above 0.
        seed: of the draws.
    """
    if len(numerators) < 2:  # there is nothing to draw from
        ratio = float(_ratio(numerators, denominators))
        return ratio, ratio
    # In batches of draws: all of them at once would be a matrix of (draws, examples).
    interval = stats.bootstrap(
        (numerators, denominators), _ratio, paired=True, n_resamples=DRAWS, batch=8, method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return float(interval.low), float(interval.high)


def _ratio(numerators: np.ndarray, denominators: np.ndarray, axis: int = -1) -> np.ndarray:
    ratios: np.ndarray = numerators.sum(axis) / np.maximum(denominators.sum(axis), 1e-12)
    return ratios
