"""How far a score may be from that of endlessly many examples: 95% confidence intervals."""

import numpy as np
from scipy import stats

Interval = tuple[float, float]
DRAWS = 1000


def wilson(right: int, total: int) -> Interval:
    """Return the score interval of a share (Wilson 1927), which stays honest at 0% and 100%."""
    found = stats.binomtest(right, total).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def percentiles(draws: np.ndarray) -> Interval:
    """Return the middle 95% of bootstrap draws (Efron 1979)."""
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(low), float(high)


def mean_interval(values: np.ndarray, seed: int = 0) -> Interval:
    """Return the interval of a mean by bootstrap.

    Args:
        values: one an example, (examples,).
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    return percentiles(np.array([values[rng.integers(len(values), size=len(values))].mean() for _ in range(DRAWS)]))


def ratio_interval(part: np.ndarray, whole: np.ndarray, seed: int = 0) -> Interval:
    """Return the interval of sum(part) / sum(whole) by bootstrap over examples.

    Args:
        part: of each example, such as its loss, (examples,).
        whole: what it is a part of, such as its masked words, (examples,); some above 0.
        seed: of the draws.
    """
    rng, examples = np.random.default_rng(seed), len(part)
    draws = (rng.integers(examples, size=examples) for _ in range(DRAWS))
    ratios = np.array([part[drawn].sum() / max(whole[drawn].sum(), 1e-12) for drawn in draws])
    return percentiles(ratios)
