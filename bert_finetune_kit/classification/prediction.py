"""Logits of a classifier → predictions with calibrated probabilities, in numpy alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..calibration.conformal import label_sets
from ..calibration.probabilities import sigmoid, softmax
from ..inference.choices import NO_CHOICES, Choices
from ..tasks.task import Kind
from .labels import LabelSet

ALL_LABELS = "labels"
"""Name of the temperature of a task with one label an example; in a multi_label task each label has its own."""


@dataclass(frozen=True)
class Prediction:
    """The prediction for one text or pair."""

    label: str | tuple[str, ...] | float | None
    """The most likely label; in a multi_label task all labels above the threshold; in a regression the number; none
    where the text, or one of a pair, is empty, so that nothing was predicted, and where it is refused. Labels are those
    of the logits as they are: calibration changes none."""
    score: float
    """Calibrated probability of that label; in a multi_label task the lowest one of the predicted labels, or without
    any the probability that the likeliest label is absent; in a regression the number; NaN for an empty text."""
    scores: dict[str, float]
    """Calibrated probability of every label; empty for an empty text, and in a regression."""
    refused: bool = False
    """Whether the prediction is not sure enough for the coverage or risk that was asked for; its label is None then,
    while `score` is the probability of what was refused."""
    label_set: tuple[str, ...] | None = None
    """The labels that are likely enough to be true, where sets were asked for: none, one or several. None where they
    were not, and for an empty text."""


EMPTY = Prediction(None, math.nan, {})
"""The prediction for an empty text."""


@dataclass(frozen=True)
class Predictions:
    """Predictions for a split, and the references."""

    references: np.ndarray
    """(examples,) ids, (examples, labels) of 0 and 1, or (examples,) targets."""
    predictions: np.ndarray
    """The same shape."""
    probabilities: np.ndarray
    """(examples, labels); for a regression the predictions."""

    def take(self, rows: np.ndarray) -> "Predictions":
        """Return a selection of the examples."""
        return Predictions(self.references[rows], self.predictions[rows], self.probabilities[rows])


def decode(logits: np.ndarray, references: np.ndarray, kind: Kind, threshold: float = 0.5) -> Predictions:
    """Turn logits (examples, labels) into predictions and probabilities.

    Args:
        logits: (examples, labels) float.
        references: targets, as `LabelSet.encode` returns them.
        kind: of the task.
        threshold: lowest probability of a label in a multi_label task.
    """
    logits = np.asarray(logits, np.float64)
    if kind == "regression":
        return Predictions(references, logits[:, 0], logits[:, 0])
    if kind == "multi_label":
        probabilities = sigmoid(logits)
        return Predictions(references, (probabilities >= threshold).astype(np.int64), probabilities)
    return Predictions(references, logits.argmax(1), softmax(logits))


def scaled(logits: np.ndarray, labels: LabelSet, temperatures: Mapping[str, float]) -> np.ndarray:
    """Return logits divided by their temperatures, (examples, labels).

    Args:
        logits: (examples, labels).
        labels: of the task.
        temperatures: by name, as in `Calibration`; what is not named has 1.
    """
    names = [ALL_LABELS] * len(labels.names) if labels.kind == "single_label" else labels.names
    divisors = [float(temperatures.get(name, 1.0)) for name in names]
    return np.asarray(logits, np.float64) / divisors if divisors else logits


def calibrated(
    logits: np.ndarray, references: np.ndarray, labels: LabelSet, threshold: float, temperatures: Mapping[str, float]
) -> Predictions:
    """Return predictions, which are those of the logits as they are, with calibrated probabilities.

    Args:
        logits: (examples, labels).
        references: targets, as `LabelSet.encode` returns them.
        labels: of the task.
        threshold: lowest uncalibrated probability of a label in a multi_label task.
        temperatures: by name, as in `Calibration`.
    """
    probabilities = decode(scaled(logits, labels, temperatures), references, labels.kind).probabilities
    return replace(decode(logits, references, labels.kind, threshold), probabilities=probabilities)


def to_predictions(predicted: Predictions, labels: LabelSet, choices: Choices) -> list[Prediction]:
    """Return predictions with the labels of the task.

    Args:
        predicted: of all examples, with calibrated probabilities.
        labels: of the task.
        choices: which predictions to refuse, and whether to return sets of labels.
    """
    predictions = named_predictions(predicted, labels)
    if choices.lowest_probability is not None:
        sets = label_sets(predicted.probabilities, choices.lowest_probability)
        predictions = [
            replace(prediction, label_set=present_names(chosen, labels))
            for prediction, chosen in zip(predictions, sets, strict=True)
        ]
    if choices.selection is None:
        return predictions
    kept = choices.selection.keeps(prediction_confidences(predicted))
    return [
        prediction if keeps else replace(prediction, label=None, refused=True)
        for prediction, keeps in zip(predictions, kept, strict=True)
    ]


def named_predictions(predicted: Predictions, labels: LabelSet) -> list[Prediction]:
    """Return predictions with the labels of a task.

    Args:
        predicted: of all examples, with calibrated probabilities.
        labels: of the task.
    """
    if labels.kind == "regression":
        return [Prediction(float(number), float(number), {}) for number in predicted.predictions]
    rows = [dict(zip(labels.names, map(float, row), strict=True)) for row in predicted.probabilities]
    return [_prediction(chosen, scores, labels) for chosen, scores in zip(predicted.predictions, rows, strict=True)]


def _prediction(chosen: Any, scores: dict[str, float], labels: LabelSet) -> Prediction:
    """Return the prediction of a label by its id, or of several by 0 and 1 for each."""
    if labels.kind == "single_label":
        label = labels.names[int(chosen)]
        return Prediction(label, scores[label], scores)
    names = present_names(chosen, labels)
    return Prediction(names, min((scores[name] for name in names), default=1 - max(scores.values())), scores)


def present_names(chosen: Any, labels: LabelSet) -> tuple[str, ...]:
    """Return the names of the labels that have a 1."""
    return tuple(name for name, present in zip(labels.names, chosen, strict=True) if present)


def prediction_confidences(predicted: Predictions) -> np.ndarray:
    """Return the probability of each example's prediction, (examples,); its references are not needed."""
    probabilities, predictions = predicted.probabilities, predicted.predictions
    if predictions.ndim == 1:
        return np.asarray(np.take_along_axis(probabilities, predictions[:, None], 1)[:, 0])
    return np.asarray(np.where(predictions == 1, probabilities, 1 - probabilities).prod(1))


def with_prediction(
    row: Mapping[str, Any],
    columns: Sequence[str],
    prediction: Prediction,
    labels: Sequence[str],
    separator: str | None = None,
    choices: Choices = NO_CHOICES,
) -> dict[str, Any]:
    """Return a row of a file with its prediction beside its own columns.

    Args:
        row: of the file.
        columns: of the file. Where one has the name of a part of the prediction, that begins with `predicted_`.
        prediction: for the row.
        labels: that the model knows; none of a regression.
        separator: of several labels in a cell, where the task has one: the result can be read as the data were.
        choices: what was asked for beside the prediction.

    >>> prediction = Prediction("good", 0.8, {"bad": 0.2, "good": 0.8})
    >>> with_prediction({"text": "fine"}, ["text"], prediction, ["bad", "good"])
    {'text': 'fine', 'label': 'good', 'score': 0.8, 'probabilities': {'bad': 0.2, 'good': 0.8}}
    """
    label: Any = prediction.label
    if isinstance(label, tuple):
        label = list(label) if separator is None else separator.join(label)
    parts: dict[str, Any] = {
        "label": label,
        "score": None if math.isnan(prediction.score) else prediction.score,
    }
    if labels:
        parts["probabilities"] = {name: prediction.scores.get(name) for name in labels}
    if choices.selection is not None:
        parts["refused"] = prediction.refused
    if choices.lowest_probability is not None:
        parts["label_set"] = None if prediction.label_set is None else list(prediction.label_set)
    return dict(row) | {f"predicted_{name}" if name in columns else name: value for name, value in parts.items()}
