"""95% confidence intervals of scores, over the choice of the evaluation examples."""

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from .numbers import is_finite_number
from .statistics.clusters import Units
from .statistics.resampling import FEW_UNITS, Statistic, estimate
from .statistics.shares import share_interval as share_interval
from .statistics.shares import wilson as wilson

Interval: TypeAlias = tuple[float, float]
"""(low, high)"""


def finite_interval(interval: object) -> Interval | None:
    """Return an interval with two finite ends, and None for anything else.

    >>> finite_interval([0.5, 0.6]), finite_interval((0.5, "nan")), finite_interval(None)
    ((0.5, 0.6), None, None)
    """
    if not isinstance(interval, list | tuple) or len(interval) != 2 or not all(map(is_finite_number, interval)):
        return None
    return float(interval[0]), float(interval[1])


_CORRELATIONS = ("matthews", "pearson", "spearman")
_UNBOUNDED = ("mse", "mae", "loss", "mlm_loss", "pair_loss")
# Of nominal 95%, simulated by benchmarks/comparison.py: fewest units → least and greatest of several scores. The least
# of single examples is that of a mean squared error, whose few large terms are often missing.
_COVERAGE = {4: "95% to 100%", 8: "93% to 99%", 15: "93% to 96%"}
_COVERAGE_OF_EXAMPLES = {8: "83% to 100%", 15: "87% to 99%"}


def fisher(correlation: float, total: int) -> Interval:
    """Return the interval of a correlation of `total` pairs, more than three, by Fisher's transformation (1921).

    >>> low, high = fisher(-0.148, 40)
    >>> round(low, 3), round(high, 3)
    (-0.439, 0.171)
    """
    centre, width = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12)), 1.959964 / math.sqrt(total - 3)
    return float(np.tanh(centre - width)), float(np.tanh(centre + width))


def intervals_of(statistics: Mapping[str, Statistic], units: Units, seed: int = 0) -> dict[str, Interval]:
    """Return the 95% intervals of scores; none where all draws are equal, or nothing could be drawn.

    Args:
        statistics: score by name.
        units: that are drawn.
        seed: of the draws.
    """
    if units.count < 2:
        return {}
    estimates = estimate(statistics, units, seed)
    return {name: _bounded(name, *found.interval) for name, found in estimates.items() if found.interval is not None}


def _bounded(name: str, low: float, high: float) -> Interval:
    least, greatest = (-1.0, 1.0) if name in _CORRELATIONS else (0.0, float("inf") if name in _UNBOUNDED else 1.0)
    return max(low, least), min(high, greatest)


def interval_note(units: Units) -> str:
    """Return what the intervals of a table are over; nothing of at least thirty examples.

    >>> from bert_finetune_kit.reporting.statistics.clusters import single_units
    >>> interval_note(single_units(8))
    'The 95% intervals are over 8 examples; with so few, t intervals, which cover 83% to 100% in simulations.'
    """
    if units.are_examples and units.count >= FEW_UNITS:
        return ""
    note = f"The 95% intervals are over {units.count:,} {units.name}"
    if units.count >= FEW_UNITS:
        return f"{note}, since examples of one of them are not independent."
    simulated = _COVERAGE_OF_EXAMPLES if units.are_examples else _COVERAGE
    coverage = [share for fewest, share in simulated.items() if units.count >= fewest]
    return f"{note}; with so few, t intervals" + (f", which cover {coverage[-1]} in simulations." if coverage else ".")
