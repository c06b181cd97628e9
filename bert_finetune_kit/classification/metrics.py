"""Logits → predictions → scores, computed by scikit-learn and scipy."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats
from sklearn import metrics as sk

from ..tasks.task import Kind
from .prediction import Predictions
from .prediction import decode as decode


def target_shares(targets: np.ndarray, kind: Kind, labels: int) -> np.ndarray:
    """Return the share of the examples that have each label, (labels,); of a regression the mean target, (1,).

    Args:
        targets: as `LabelSet.encode` returns them.
        kind: of the task.
        labels: number of labels.
    """
    if kind == "regression":
        return np.array([float(targets.mean())])
    return targets.mean(0) if kind == "multi_label" else np.bincount(targets, minlength=labels) / len(targets)


def constant_prediction(
    shares: np.ndarray, references: np.ndarray, kind: Kind, label: int | None = None
) -> Predictions:
    """Return the prediction of one label for every example, or of the mean target.

    Args:
        shares: as `target_shares` returns them.
        references: targets of the split to score.
        kind: of the task.
        label: to predict; None for the most frequent one.
    """
    probabilities = np.tile(shares, (len(references), 1))
    if kind == "regression":
        return Predictions(references, probabilities[:, 0], probabilities[:, 0])
    if kind == "multi_label":
        return Predictions(references, (probabilities >= 0.5).astype(np.int64), probabilities)
    predicted = most_frequent(shares, references) if label is None else label
    return Predictions(references, np.full(len(references), predicted), probabilities)


def most_frequent(shares: np.ndarray, references: np.ndarray) -> int:
    """Return the most frequent label of a split; of equally frequent ones that of the training split.

    Of a small split it can be another one than in the training split, and no other constant is right more often.

    Args:
        shares: of the training split, as `target_shares` returns them.
        references: ids of the labels of the split, (examples,).
    """
    counts = np.bincount(references, minlength=len(shares))
    return int(np.lexsort((shares, counts))[-1])


def mean_loss(logits: np.ndarray, references: np.ndarray, kind: Kind) -> float:
    """Return the mean loss of an example; see `example_losses`."""
    return float(example_losses(logits, references, kind).mean())


def example_losses(logits: np.ndarray, references: np.ndarray, kind: Kind) -> np.ndarray:
    """Return the loss of each example, (examples,): cross-entropy in nats (in a multi_label task its mean), or squared
    error.

    It is without class weights and label smoothing, so that the loss of uniform predictions is ln(labels).
    """
    logits = np.asarray(logits, np.float64)
    if kind == "regression":
        return np.asarray((logits[:, 0] - references) ** 2)
    if kind == "multi_label":
        return np.asarray((np.logaddexp(0, logits) - logits * references).mean(1))
    likelihood = np.take_along_axis(special.log_softmax(logits, 1), references[:, None], 1)[:, 0]
    return np.asarray(0.0 - likelihood)  # a loss of 0 has no minus sign


# Calibration


def confidences(predicted: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each prediction, and whether it is correct, both (predictions,).

    In a multi_label task every label of every example is a prediction.
    """
    if predicted.references.ndim == 2:
        confidence = np.where(predicted.predictions == 1, predicted.probabilities, 1 - predicted.probabilities)
        return confidence.ravel(), (predicted.predictions == predicted.references).ravel()
    return predicted.probabilities.max(1), predicted.predictions == predicted.references


def bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each confidence, of `bins` of equal width from 0 to 1."""
    return np.minimum((confidence * bins).astype(int), bins - 1)


def calibration_gaps(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error of `confidences` (Guo et al. 2017)."""
    gaps = np.bincount(bin_of(confidence, bins), weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def expected_calibration_error(predicted: Predictions, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal width (Guo et al. 2017)."""
    return calibration_gaps(*confidences(predicted), bins)


# Metrics


@dataclass(frozen=True)
class Metric:
    """How a score is computed, and for which tasks; `reporting.known_scores` declares how it is shown."""

    score: Callable[[Predictions], float]
    """NaN where the references leave it undefined: whatever is predicted, it could not be told from chance."""
    kinds: Sequence[Kind] = ("single_label", "multi_label")
    binary: bool = False
    """Whether it scores the label with id 1 alone, in tasks of two labels."""


def _averaged(function: Callable[..., float], average: str) -> Callable[[Predictions], float]:
    def score(predicted: Predictions) -> float:
        references = predicted.references
        if (average == "binary" or references.ndim == 2) and not references.any():
            return math.nan  # there is no example of what is to be found
        return float(function(references, predicted.predictions, average=average, zero_division=0.0))

    return score


def _plain(function: Callable[..., float]) -> Callable[[Predictions], float]:
    return lambda predicted: float(function(predicted.references, predicted.predictions))


def _correlation(function: Callable[..., Any]) -> Callable[[Predictions], float]:
    def score(predicted: Predictions) -> float:
        if np.ptp(predicted.references) == 0:
            return math.nan
        if np.ptp(predicted.predictions) == 0:
            return 0.0  # by convention, as for Matthews: a constant prediction says nothing of the targets
        return float(function(predicted.predictions, predicted.references).statistic)

    return score


def _matthews(predicted: Predictions) -> float:
    references, predictions = predicted.references, predicted.predictions
    if np.ptp(references) == 0:
        return math.nan
    if np.ptp(predictions) == 0:
        return 0.0  # scikit-learn warns where there is one label, and returns the same
    return float(sk.matthews_corrcoef(references, predictions))


_SINGLE: Sequence[Kind] = ("single_label",)
_NUMBER: Sequence[Kind] = ("regression",)
METRICS = {
    "accuracy": Metric(_plain(sk.accuracy_score)),
    "f1": Metric(_averaged(sk.f1_score, "binary"), _SINGLE, binary=True),
    "precision": Metric(_averaged(sk.precision_score, "binary"), _SINGLE, binary=True),
    "recall": Metric(_averaged(sk.recall_score, "binary"), _SINGLE, binary=True),
    "f1_macro": Metric(_averaged(sk.f1_score, "macro")),
    "f1_weighted": Metric(_averaged(sk.f1_score, "weighted")),
    "f1_micro": Metric(_averaged(sk.f1_score, "micro")),
    "precision_macro": Metric(_averaged(sk.precision_score, "macro")),
    "recall_macro": Metric(_averaged(sk.recall_score, "macro")),
    "precision_weighted": Metric(_averaged(sk.precision_score, "weighted")),
    "recall_weighted": Metric(_averaged(sk.recall_score, "weighted")),
    "matthews": Metric(_matthews, _SINGLE),
    "calibration_error": Metric(expected_calibration_error),
    "pearson": Metric(_correlation(stats.pearsonr), _NUMBER),
    "spearman": Metric(_correlation(stats.spearmanr), _NUMBER),
    "mse": Metric(_plain(sk.mean_squared_error), _NUMBER),
    "mae": Metric(_plain(sk.mean_absolute_error), _NUMBER),
}
# Metrics of every report, beside those of the task.
ALWAYS_REPORTED = {
    "single_label": ("accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_weighted", "matthews"),
    "multi_label": ("accuracy", "precision_macro", "recall_macro", "f1_micro", "f1_macro", "f1_weighted"),
    "regression": ("pearson", "spearman", "mse", "mae"),
}
ALWAYS_REPORTED_BINARY = ("accuracy", "precision", "recall", "f1", "f1_macro", "f1_weighted", "matthews")
