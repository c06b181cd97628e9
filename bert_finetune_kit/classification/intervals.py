"""The 95% confidence intervals of a classification's scores."""

import math
from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from scipy import stats

from ..data.clusters import cluster_numbers
from ..data.groups import group_values
from ..reporting.intervals import Interval, intervals_of, share_interval
from ..reporting.statistics.clusters import LEAST_CLUSTERS, Units, single_units
from ..reporting.statistics.resampling import Statistic
from ..reporting.statistics.score_statistics import calibration_statistic, label_statistics, regression_statistics
from .metric_set import MetricSet
from .metrics import METRICS, Predictions, confidences


def independent_units(rows: Dataset, text_columns: Sequence[str], group: str | None) -> Units:
    """Return what is independent: groups where the data have them, and texts, of which a repeated one counts once.

    Args:
        rows: the examples.
        text_columns: of their texts.
        group: column of what belongs together, such as an author; None where there is none.
    """
    texts = list(zip(*(rows[column][:] for column in text_columns), strict=True))
    if group is None or group not in rows.column_names:
        units = Units("distinct texts", cluster_numbers(texts))
    else:
        units = Units(f"groups by {group}", cluster_numbers(group_values(rows, group, "validation"), texts))
    return single_units(len(texts)) if units.are_examples else units


def intervals(
    metrics: MetricSet, predicted: Predictions, seed: int = 0, units: Units | None = None
) -> dict[str, Interval]:
    """Return the 95% confidence interval of each score of a split.

    Accuracy, a share of examples, has the score interval of Wilson (1927), Pearson's correlation of independent
    examples that of Fisher's transformation; all others those of `estimate`. Where all draws are equal, as for a
    constant prediction, there is no interval.

    Args:
        metrics: of the task.
        predicted: predictions and references; fewer than four units have no intervals.
        seed: of the draws.
        units: of the examples that are independent; None where all of them are.
    """
    examples = len(predicted.references)
    units = single_units(examples) if units is None else units
    if units.count < LEAST_CLUSTERS:
        return {}
    names = [name for name in metrics.computed if not math.isnan(METRICS[name].score(predicted))]
    bounds: dict[str, Interval] = {}
    if "accuracy" in names:
        correct = predicted.predictions == predicted.references
        bounds["accuracy"] = share_interval(correct if correct.ndim == 1 else correct.all(1), units)
    constant = metrics.kind == "regression" and not (np.ptp(predicted.predictions) and np.ptp(predicted.references))
    if "pearson" in names and units.are_examples and not constant:
        fisher = stats.pearsonr(predicted.predictions, predicted.references).confidence_interval()
        bounds["pearson"] = float(fisher.low), float(fisher.high)
    statistics = score_statistics(metrics, predicted, units)
    remaining = {name: statistics[name] for name in names if name not in bounds}
    bounds |= intervals_of(remaining, units, seed)
    return {name: bounds[name] for name in names if name in bounds and bounds[name][0] < bounds[name][1]}


def score_statistics(metrics: MetricSet, predicted: Predictions, units: Units) -> dict[str, Statistic]:
    """Return the scores of the kit as functions of how often each unit was drawn.

    Args:
        metrics: of the task.
        predicted: predictions and references.
        units: of the examples.
    """
    if metrics.kind == "regression":
        return regression_statistics(predicted.references, predicted.predictions, units)
    statistics = label_statistics(predicted.references, predicted.predictions, metrics.labels, units)
    shape = (len(predicted.references), -1)
    confidence, correct = (values.reshape(shape) for values in confidences(predicted))
    return {**statistics, "calibration_error": calibration_statistic(confidence, correct, units)}
