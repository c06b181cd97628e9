"""The 95% confidence intervals of a classification's scores."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from ..reporting.intervals import DRAWS, Interval, percentiles, wilson
from .metrics import METRICS, MetricSet, Predictions

_MOST_LABELS = 100  # of which a thousand tables fit into memory


def intervals(metrics: MetricSet, told: Predictions, seed: int = 0) -> dict[str, Interval]:
    """Return the 95% confidence interval of each score of a split.

    Accuracy, a share of examples, has the score interval of Wilson (1927), Pearson's correlation that of Fisher's
    transformation; all others have percentiles of a bootstrap over the examples (Efron 1979) with 1,000 draws. Where no
    draw differs from another, as for a model that says one thing, a bootstrap tells nothing, and there is no interval.

    Args:
        metrics: which scores.
        told: predictions and references; of fewer than four examples there are no intervals.
        seed: of the draws.
    """
    examples = len(told.references)
    if examples < 4:
        return {}
    found: dict[str, Interval] = {}
    left = list(metrics.shown)
    if "accuracy" in left:
        found["accuracy"] = wilson(round(METRICS["accuracy"].score(told) * examples), examples)
    if "pearson" in left and np.ptp(told.predictions) > 0 and np.ptp(told.references) > 0:
        fisher = stats.pearsonr(told.predictions, told.references).confidence_interval()
        found["pearson"] = float(fisher.low), float(fisher.high)
    rng = np.random.default_rng(seed)
    if metrics.kind == "single_label" and metrics.labels <= _MOST_LABELS:
        tables = drawn_tables(told, metrics.labels, rng)
        found |= {name: percentiles(score(tables)) for name, score in TABLE_SCORES.items() if name in left}
    left = [name for name in left if name not in found]
    draws = np.empty((DRAWS, len(left)))
    for number in range(DRAWS if left else 0):
        drawn = told.take(rng.integers(examples, size=examples))
        draws[number] = [METRICS[name].score(drawn) for name in left]
    found |= {name: percentiles(draws[:, column]) for column, name in enumerate(left)}
    return {name: interval for name, interval in found.items() if interval[0] < interval[1]}


def drawn_tables(told: Predictions, labels: int, rng: np.random.Generator) -> np.ndarray:
    """Return confusion tables of bootstrap draws, (draws, true label, predicted label).

    Drawing examples with replacement is drawing the cells of their table from a multinomial distribution.
    """
    cells = np.bincount(told.references * labels + told.predictions, minlength=labels * labels)
    drawn = rng.multinomial(cells.sum(), cells / cells.sum(), size=DRAWS)
    return drawn.reshape(DRAWS, labels, labels).astype(float)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _precision(tables: np.ndarray) -> np.ndarray:
    return _share(_right(tables), tables.sum(1))


def _recall(tables: np.ndarray) -> np.ndarray:
    return _share(_right(tables), tables.sum(2))


def _f1(tables: np.ndarray) -> np.ndarray:
    return _share(2 * _right(tables), tables.sum(1) + tables.sum(2))


def _right(tables: np.ndarray) -> np.ndarray:
    return np.diagonal(tables, axis1=1, axis2=2).copy()


def _macro(by_label: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    def score(tables: np.ndarray) -> np.ndarray:
        seen = (tables.sum(1) + tables.sum(2)) > 0  # scikit-learn leaves out labels that do not occur
        return _share((by_label(tables) * seen).sum(1), seen.sum(1).astype(float))

    return score


def _weighted(by_label: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda tables: (by_label(tables) * tables.sum(2)).sum(1) / tables.sum((1, 2))


def _second(by_label: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda tables: by_label(tables)[:, 1]


def _matthews(tables: np.ndarray) -> np.ndarray:
    """Gorodkin (2004), as in scikit-learn."""
    total, true, said = tables.sum((1, 2)), tables.sum(2), tables.sum(1)
    covariance = _right(tables).sum(1) * total - (true * said).sum(1)
    spread = (total**2 - (true**2).sum(1)) * (total**2 - (said**2).sum(1))
    return _share(covariance, np.sqrt(np.maximum(spread, 0)))


# Scores that a confusion table tells, (draws, labels, labels) → (draws,): a thousand at once.
TABLE_SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "precision": _second(_precision),
    "recall": _second(_recall),
    "f1": _second(_f1),
    "precision_macro": _macro(_precision),
    "recall_macro": _macro(_recall),
    "f1_macro": _macro(_f1),
    "precision_weighted": _weighted(_precision),
    "recall_weighted": _weighted(_recall),
    "f1_weighted": _weighted(_f1),
    "matthews": _matthews,
}
