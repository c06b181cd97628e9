"""Two runs on the same examples: tests and intervals of a difference, and what could have been seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .clusters import Units
from .resampling import Statistic, estimate

LEVEL = 0.05
"""Of a test; an interval covers the rest."""
POWER = 0.8


@dataclass(frozen=True)
class PairedDifference:
    """The difference of a score of two runs on the same examples."""

    value: float
    """Second run minus first."""
    low: float
    """Of the 95% interval."""
    high: float
    p_value: float
    """Two-sided, of no difference."""
    smallest: float
    """The smallest true difference that a test finds in four of five such samples of examples."""
    method: str


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided mid-p value of McNemar's test (Fagerland, Lydersen and Laake 2013).

    Args:
        only_first: examples that only the first run has right.
        only_second: those that only the second one has right.

    >>> round(mcnemar(1, 7), 4)
    0.0391
    """
    fewer, both = min(only_first, only_second), only_first + only_second
    if only_first == only_second:
        return 1.0
    return float(2 * stats.binom.cdf(fewer, both, 0.5) - stats.binom.pmf(fewer, both, 0.5))


def paired_share_interval(only_first: int, only_second: int, total: int) -> tuple[float, float]:
    """Return the 95% interval of the difference of two shares of the same examples (Bonett and Price 2012).

    Args:
        only_first: examples that only the first run has right.
        only_second: those that only the second one has right.
        total: number of examples.
    """
    first, second = ((count + 1) / (total + 2) for count in (only_first, only_second))
    value = second - first
    half = stats.norm.ppf(0.975) * np.sqrt((first + second - value**2) / (total + 2))
    return max(-1.0, float(value - half)), min(1.0, float(value + half))


def compare_shares(first: np.ndarray, second: np.ndarray) -> PairedDifference:
    """Return the difference of two shares of the same independent examples.

    Args:
        first: whether the first run has each example right, (examples,) 0 or 1.
        second: the same of the second run.
    """
    total = len(first)
    only_first, only_second = int((first > second).sum()), int((second > first).sum())
    low, high = paired_share_interval(only_first, only_second, total)
    error = np.sqrt(only_first + only_second) / total
    # With fewer than five examples on one side, and none on the other, no test finds anything; five or more are found
    # in four of five samples where this many are expected (Poisson).
    smallest = max(smallest_difference(float(error)), float(stats.gamma.ppf(POWER, 5)) / total)
    value = (only_second - only_first) / total
    return PairedDifference(value, low, high, mcnemar(only_first, only_second), smallest, "McNemar's test, mid-p")


def compare_statistics(differences: dict[str, Statistic], units: Units, seed: int = 0) -> dict[str, PairedDifference]:
    """Return differences of scores of two runs on the same units, by a bootstrap of both on the same draws.

    Args:
        differences: second - first as a function of the weights of the units, by score.
        units: of the examples, two at least.
        seed: of the draws.
    """
    found = estimate(differences, units, seed)
    over = f"over {units.count:,} {units.name}"
    method = f"paired bootstrap {over}" if units.count >= 30 else f"paired t test {over}"
    return {
        name: PairedDifference(
            item.value, item.low, item.high, item.p_value, smallest_difference(item.error, item.freedom), method
        )
        for name, item in found.items()
    }


def smallest_difference(error: float, freedom: float = np.inf) -> float:
    """Return the true difference that a test at 5% finds with a probability of 80%.

    Args:
        error: standard error of the difference.
        freedom: its degrees of freedom.

    >>> round(smallest_difference(0.01), 4)
    0.028
    """
    return float((stats.t.ppf(1 - LEVEL / 2, freedom) + stats.t.ppf(POWER, freedom)) * error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values of several tests, adjusted so that the chance of any false positive is 5% (Holm 1979).

    >>> [round(value, 4) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return [float(value) for value in adjusted]
