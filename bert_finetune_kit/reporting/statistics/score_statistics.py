"""The scores of predictions as functions of how often each unit was drawn."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from .clusters import Units
from .label_scores import COUNT_SCORES, OF_TWO_LABELS, CountScore, label_columns, label_counts
from .resampling import Statistic, of_sums, ratio

_BINS = 15  # of the calibration error, as of the score itself


def mean_statistics(columns: Mapping[str, np.ndarray], units: Units) -> dict[str, Statistic]:
    """Return the means of columns, each (examples,)."""
    return {
        name: of_sums(np.stack([values, np.ones(len(values))], axis=1).astype(float), units, ratio)
        for name, values in columns.items()
    }


def ratio_statistic(numerators: np.ndarray, denominators: np.ndarray, units: Units) -> Statistic:
    """Return sum(numerators) / sum(denominators), both (examples,)."""
    return of_sums(np.stack([numerators, denominators], axis=1).astype(float), units, ratio)


def label_statistics(
    references: np.ndarray, predictions: np.ndarray, labels: int, units: Units
) -> dict[str, Statistic]:
    """Return accuracy and the scores of labels.

    Args:
        references: ids, (examples,), or 0 and 1, (examples, labels).
        predictions: the same.
        labels: number of labels.
        units: of the examples.
    """
    single = references.ndim == 1
    columns = label_columns(references, predictions, labels)
    right = references == predictions
    statistics = mean_statistics({"accuracy": right if single else right.all(1)}, units)

    def of_counts(score: CountScore) -> Callable[[np.ndarray], np.ndarray]:
        return lambda sums: score(label_counts(sums, skip_absent=single))

    for name, score in COUNT_SCORES.items():
        if name in OF_TWO_LABELS and not (single and labels == 2):
            continue
        if name == "matthews" and not single:
            continue
        statistics[name] = of_sums(columns, units, of_counts(score))
    return statistics


def calibration_statistic(confidence: np.ndarray, correct: np.ndarray, units: Units) -> Statistic:
    """Return the expected calibration error (Guo et al. 2017), 15 bins of equal width.

    Args:
        confidence: probability of each prediction, (examples,), or of several of each, (examples, predictions).
        correct: whether it is correct, the same shape.
        units: of the examples.
    """
    confidence, correct = (np.asarray(part, float).reshape(len(part), -1) for part in (confidence, correct))
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.zeros((len(confidence), _BINS + 1))
    np.add.at(gaps, (np.arange(len(confidence))[:, None], bins), confidence - correct)
    gaps[:, _BINS] = confidence.shape[1]
    return of_sums(gaps, units, lambda sums: np.abs(sums[:, :_BINS]).sum(1) / np.maximum(sums[:, _BINS], 1e-12))


def regression_statistics(references: np.ndarray, predictions: np.ndarray, units: Units) -> dict[str, Statistic]:
    """Return Pearson's and Spearman's correlations, mean squared and mean absolute error.

    Args:
        references: true values, (examples,).
        predictions: the same.
        units: of the examples.
    """
    errors = predictions - references
    x, y = (np.asarray(values, float) - values.mean() for values in (predictions, references))
    moments = np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y], axis=1)
    return {
        "pearson": of_sums(moments, units, _correlation),
        "spearman": partial(_spearman, _ranker(x), _ranker(y), units.numbers),
        **mean_statistics({"mse": errors**2, "mae": np.abs(errors)}, units),
    }


def _correlation(sums: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of moments, (draws, 6); NaN of values that are all equal."""
    count, x, y, xx, yy, xy = sums.T
    spread_x, spread_y = count * xx - x * x, count * yy - y * y
    # Of equal values the difference is rounding.
    defined = (spread_x > 1e-12 * count * xx) & (spread_y > 1e-12 * count * yy)
    product = np.sqrt(np.where(defined, spread_x * spread_y, 1.0))
    return np.where(defined, (count * xy - x * y) / product, np.nan)


_Ranker = Callable[[np.ndarray], np.ndarray]


def _ranker(values: np.ndarray) -> _Ranker:
    """Return a function from weights of the examples, (draws, examples), to their ranks, ties sharing their mean."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(values[order]) != 0))
    tie = np.empty(len(values), int)
    tie[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))

    def ranks(weights: np.ndarray) -> np.ndarray:
        inside = np.add.reduceat(weights[:, order], starts, axis=1)
        before = np.cumsum(inside, axis=1) - inside
        return (before + (inside + 1) / 2)[:, tie]

    return ranks


def _spearman(rank_x: _Ranker, rank_y: _Ranker, unit_of: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the correlation of ranks, which are new in each draw."""
    weights = weights[:, unit_of]
    x, y = (rank(weights) for rank in (rank_x, rank_y))
    middle = (weights.sum(1, keepdims=True) + 1) / 2
    x, y = x - middle, y - middle
    products = ((weights * a * b).sum(1) for a, b in ((x, x), (y, y), (x, y)))
    xx, yy, xy = products
    defined = (xx > 0) & (yy > 0)
    return np.where(defined, xy / np.sqrt(np.where(defined, xx * yy, 1.0)), np.nan)
