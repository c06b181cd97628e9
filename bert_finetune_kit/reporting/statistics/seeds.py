"""Whether a setting is better, given runs with several seeds of both: seeds and examples as two sources of chance."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .paired import LEVEL, PairedDifference, smallest_difference

MOST_SEEDS = 1000
_ROUNDING = 1e-12  # of means that would be equal without it


@dataclass(frozen=True)
class SeedDifference:
    """The difference of the mean scores of two settings."""

    difference: PairedDifference
    """Of the means over the seeds."""
    seed_error: float
    """Its standard error from the choice of seeds."""
    example_error: float | None
    """Its standard error from the choice of the evaluation examples; None where that is not known."""
    seeds_needed: int | None
    """Seeds of each setting with which a test finds a difference of this size in four of five cases; None where no
    number of seeds is enough, since the examples are too few."""

    @property
    def is_without_spread(self) -> bool:
        """Whether neither seeds nor examples differ, so that nothing says how far chance goes."""
        return self.difference.low == self.difference.high


def compare_means(
    first: Sequence[float],
    second: Sequence[float],
    example_error: float | None = None,
    example_freedom: float = np.inf,
) -> SeedDifference:
    """Return the difference of mean scores of two settings, by a t test whose variance is the sum of its sources.

    Each source has its own degrees of freedom, which are combined (Satterthwaite 1946). Without an error of the
    examples it is the t test of Welch (1947).

    Args:
        first: score of each seed of the first setting, two at least.
        second: the same of the second setting.
        example_error: standard error of the difference of the means over the choice of the examples; None where it is
            not known.
        example_freedom: its degrees of freedom.
    """
    value = _unrounded(float(np.mean(second) - np.mean(first)), first)
    variances = [float(np.var(side, ddof=1)) / len(side) for side in (first, second)]
    freedoms = [len(side) - 1.0 for side in (first, second)]
    of_examples = example_error or 0.0
    error, freedom = _combined([*variances, of_examples**2], [*freedoms, example_freedom])
    error = _unrounded(error, first)
    half = float(stats.t.ppf(1 - LEVEL / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(value) / error, freedom)) if error else float(value == 0)
    found = PairedDifference(
        value, value - half, value + half, p_value, smallest_difference(error, freedom),
        "t test over seeds" + " and examples" * (example_error is not None),
    )  # fmt: skip
    spread = [variance * len(side) for variance, side in zip(variances, (first, second), strict=True)]
    needed = seeds_needed(abs(value), spread, of_examples, example_freedom)
    return SeedDifference(found, float(np.sqrt(sum(variances))), example_error, needed)


def seeds_needed(
    difference: float, variances: Sequence[float], example_error: float = 0.0, example_freedom: float = np.inf
) -> int | None:
    """Return how many seeds of each setting show a difference with a probability of 80%; None where no number does.

    Args:
        difference: true difference of the means, above 0.
        variances: of the scores over the seeds, of each setting.
        example_error: standard error over the choice of the examples, which more seeds do not lower.
        example_freedom: its degrees of freedom.
    """

    def shows(seeds: int) -> bool:
        parts = [*(variance / seeds for variance in variances), example_error**2]
        error, freedom = _combined(parts, [*(seeds - 1.0 for _ in variances), example_freedom])
        return 0 < difference >= smallest_difference(error, freedom)

    candidates = range(2, MOST_SEEDS + 1)
    found = bisect_left(candidates, True, key=shows)  # more seeds never show less
    return candidates[found] if found < len(candidates) else None


def _unrounded(value: float, scores: Sequence[float]) -> float:
    """Return a difference or an error of such scores, 0 where it is no more than their rounding."""
    return value if abs(value) > _ROUNDING * max(1.0, *map(abs, scores)) else 0.0


def _combined(variances: Sequence[float], freedoms: Sequence[float]) -> tuple[float, float]:
    """Return the standard error of a sum of independent parts, and its degrees of freedom (Satterthwaite 1946)."""
    total = sum(variances)
    parts = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    return float(np.sqrt(total)), total**2 / parts if parts else np.inf
