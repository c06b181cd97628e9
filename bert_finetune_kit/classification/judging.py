"""Logits and targets of a split → its scores, with intervals and beside what is had without looking."""

import math
from typing import Any

import numpy as np

from .intervals import intervals
from .metrics import MetricSet, Predictions, decode, majority, mean_loss


def score_split(metrics: MetricSet, logits: np.ndarray, references: np.ndarray, threshold: float) -> dict[str, float]:
    """Return all scores of a split and the mean loss of an example; those that are not finite are counted.

    Args:
        metrics: the metrics of the task.
        logits: (examples, labels).
        references: targets, as `LabelSet.encode` gives them.
        threshold: least probability of a label in a multi_label task.
    """
    finite = np.isfinite(logits).all(1)
    broken = {} if finite.all() else {"non_finite_examples": int((~finite).sum())}
    if not finite.any():
        return {"loss": math.nan, metrics.names[0]: math.nan, **broken}
    logits, references = logits[finite], references[finite]
    scores = metrics.score(decode(logits, references, metrics.kind, threshold))
    return {**scores, "loss": mean_loss(logits, references, metrics.kind), **broken}


def judge(
    metrics: MetricSet, logits: np.ndarray, references: np.ndarray, train: np.ndarray, threshold: float
) -> tuple[Predictions, dict[str, Any]]:
    """Return the predictions on a split, and of those that are finite `examples`, `scores`, `intervals`, `baseline`.

    Args:
        metrics: the metrics of the task.
        logits: (examples, labels).
        references: targets of the split.
        train: targets of the train split, whose most frequent label or mean is the baseline.
        threshold: least probability of a label in a multi_label task.
    """
    finite = np.isfinite(logits).all(1)
    told = decode(logits[finite], references[finite], metrics.kind, threshold)
    count = len(told.references)
    if not count:
        return told, {"examples": 0, "scores": {}, "intervals": {}, "baseline": {}}
    guess = majority(train, told.references, metrics.kind, metrics.labels)
    return told, {
        "examples": count,
        "scores": metrics.score(told),
        "intervals": intervals(metrics, told),
        "baseline": metrics.score(guess),
    }
