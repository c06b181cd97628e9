"""Intervals and tests of any score over the units that were drawn: a bootstrap, and of few units a jackknife.

A score is a function of weights, how often each unit was drawn. So one mechanism serves all scores, and a difference of
two runs on the same units is a score like any other.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from .clusters import Units, sums_by_unit

Statistic = Callable[[np.ndarray], np.ndarray]
"""Weights of the units, (draws, units) float → the score of each draw, (draws,); NaN where it is undefined."""
DRAWS = 1000
"""Bootstrap draws."""
FEW_UNITS = 30
"""With fewer, percentiles of a bootstrap are too narrow."""
_CELLS = 2_000_000  # of a matrix of weights, to bound the memory


@dataclass(frozen=True)
class Estimate:
    """A score, how far it is certain, and whether it differs from 0."""

    value: float
    low: float
    """Of the 95% interval."""
    high: float
    error: float
    """Standard error."""
    p_value: float
    """Two-sided, of a score of 0."""
    freedom: float
    """Degrees of freedom of the standard error."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval; None where it has no width, or is undefined."""
        return (self.low, self.high) if self.low < self.high else None


def of_sums(columns: Any, units: Units, value: Callable[[np.ndarray], np.ndarray]) -> Statistic:
    """Return a score that is a function of sums over examples.

    Args:
        columns: what each example adds, (examples, columns), an array or sparse.
        units: of the examples.
        value: sums (draws, columns) → scores (draws,).
    """
    sums = sums_by_unit(columns, units)
    return lambda weights: value(weights @ sums)


def ratio(sums: np.ndarray) -> np.ndarray:
    """Return the first sum divided by the second, (draws,), NaN where that is 0; a `value` of `of_sums`."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] != 0)


def difference(first: Statistic, second: Statistic) -> Statistic:
    """Return second - first, on the same draws."""
    return lambda weights: second(weights) - first(weights)


def drawn_weights(units: int, rng: np.random.Generator, draws: int = DRAWS) -> Iterator[np.ndarray]:
    """Yield how often each unit is drawn, (some draws, units) float: as many as there are, with replacement."""
    at_once = max(1, min(draws, _CELLS // max(units, 1)))
    for start in range(0, draws, at_once):
        number = min(at_once, draws - start)
        drawn = rng.integers(units, size=(number, units)) + units * np.arange(number)[:, None]
        yield np.bincount(drawn.ravel(), minlength=number * units).reshape(number, units).astype(float)


def estimate(
    statistics: Mapping[str, Statistic], units: Units, seed: int = 0, draws: int = DRAWS
) -> dict[str, Estimate]:
    """Return 95% intervals, standard errors and tests of scores.

    Of 30 units or more, bias-corrected percentiles of a bootstrap (Efron 1981), expanded as a t interval is (Hesterberg
    2015): those of n units are too narrow by the root of (n - 1) / n, and by the normal quantile. Of fewer, a t
    interval with the standard error of the jackknife (Efron and Stein 1981).

    Args:
        statistics: score by name.
        units: that are drawn, two at least.
        seed: of the draws.
        draws: of the bootstrap.
    """
    count, freedom = units.count, units.freedom
    everything = np.ones((1, count))
    values = {name: float(statistic(everything)[0]) for name, statistic in statistics.items()}
    if count < FEW_UNITS:
        left_out = 1 - np.eye(count)
        return {
            name: _of_jackknife(values[name], statistic(left_out), freedom) for name, statistic in statistics.items()
        }
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for weights in drawn_weights(count, np.random.default_rng(seed), draws):
        for name, statistic in statistics.items():
            drawn[name].append(statistic(weights))
    return {name: _of_draws(values[name], np.concatenate(parts), freedom) for name, parts in drawn.items()}


def jackknife_error(left_out: np.ndarray) -> float:
    """Return the standard error of a score by its values without each of the units, (units,)."""
    units = len(left_out)
    return float(np.sqrt((units - 1) / units * ((left_out - left_out.mean()) ** 2).sum()))


def _of_jackknife(value: float, left_out: np.ndarray, freedom: float) -> Estimate:
    error = jackknife_error(left_out)
    half = float(stats.t.ppf(0.975, freedom)) * error
    p_value = 1.0 if not value else float(2 * stats.t.sf(abs(value) / error, freedom)) if error else 0.0
    return Estimate(value, value - half, value + half, error, p_value, freedom)


def _of_draws(value: float, drawn: np.ndarray, freedom: float) -> Estimate:
    """Return the estimate of a bootstrap; draws that leave the score undefined are skipped."""
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn) or np.isnan(value):
        return Estimate(value, np.nan, np.nan, np.nan, np.nan, freedom)
    widened = np.sqrt(1 + 1 / freedom)
    bias = 2 * _normal_score(drawn, value)
    half = widened * stats.t.ppf(0.975, freedom)
    low, high = np.quantile(drawn, stats.norm.cdf((bias - half, bias + half)))
    error = float(drawn.std(ddof=1))
    if drawn.min() < 0 < drawn.max() or not error:
        quantile = (_normal_score(drawn, 0.0) - bias) / widened  # where the interval just reaches 0
    else:  # 0 is farther away than the draws can say
        quantile = value / error
    return Estimate(value, float(low), float(high), error, float(2 * stats.t.sf(abs(quantile), freedom)), freedom)


def _normal_score(drawn: np.ndarray, value: float) -> float:
    """Return the normal quantile of the share of draws below a value, of which ties count half."""
    below = (drawn < value).sum() + (drawn == value).sum() / 2
    return float(stats.norm.ppf((below + 0.5) / (len(drawn) + 1)))
