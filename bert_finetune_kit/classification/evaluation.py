"""Outputs of the saved weights → scores with intervals and baselines, calibration, and the worst errors."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from datasets import Dataset
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ..calibration.reliability import error_by_chance
from ..contract import Evaluation, Outputs
from ..reporting.details import ClassificationDetails, ClassificationError, LabelScores, Reliability, ReliabilityBin
from ..reporting.intervals import interval_note
from ..reporting.numbers import finite_or_none
from .calibration import SplitLogits, details_of, fit_calibration, halves_of
from .data import ClassificationData
from .example_rows import example_rows
from .intervals import independent_units, intervals
from .labels import LabelSet
from .metrics import Predictions, bin_of, calibration_gaps, confidences, decode
from .scatter import predicted_against_true

_WORST_ERRORS = 10


def evaluate(data: ClassificationData, outputs: Mapping[str, Outputs]) -> Evaluation:
    """Return the scores of all validation splits, with intervals, baselines and details.

    Args:
        data: of the run.
        outputs: of each split losses, logits (examples, labels) and references.
    """
    baseline = "mean" if data.labels.kind == "regression" else "majority"
    scores: dict[str, float] = {}
    split_intervals: dict[str, Any] = {}
    baselines: dict[str, float] = {}
    details: dict[str, ClassificationDetails] = {}
    by_chance: dict[str, float] = {}
    parts = _finite_logits(data, outputs)
    calibration = data.calibration or fit_calibration(list(parts.values()), data.labels, data.threshold)
    for split, (_, logits, references) in outputs.items():
        prefix, part = data.prefix(split), parts[split]
        scores |= _prefixed(prefix, data.metrics.score_logits(logits, references, data.threshold))
        predicted = decode(part.logits, part.references, data.labels.kind, data.threshold)
        rows = data.validation_rows[split].select(np.flatnonzero(np.isfinite(logits).all(1)))
        details[split] = split_details(predicted, data, rows)
        details[split] |= details_of(part, data.labels, data.threshold, calibration)
        split_intervals |= _prefixed(prefix, details[split]["intervals"])
        baselines |= _prefixed(prefix, details[split]["baseline"])
        if data.labels.kind != "regression" and len(predicted.references):
            by_chance[split] = calibration_by_chance(predicted)
    return Evaluation(
        scores=scores,
        intervals=split_intervals,
        baselines={baseline: baselines},
        details=details,
        evidence={"calibration_by_chance": by_chance} if data.labels.kind != "regression" else {},
        predictions=partial(_all_rows, data, outputs),
        calibration=None if data.labels.kind == "regression" else calibration,
    )


def _finite_logits(data: ClassificationData, outputs: Mapping[str, Outputs]) -> dict[str, SplitLogits]:
    """Return the finite logits of each split, and which of them to fit a calibration on."""
    fitting = data.calibration is None
    halves = halves_of(data.validation_rows, data.text_columns, data.group, fitting)
    return {
        split: SplitLogits(
            logits,
            references,
            halves[split],
            independent_units(data.validation_rows[split], data.text_columns, data.group),
        ).take(np.asarray(np.isfinite(logits).all(1)))
        for split, (_, logits, references) in outputs.items()
    }


def _all_rows(data: ClassificationData, outputs: Mapping[str, Outputs]) -> Iterator[dict[str, Any]]:
    for split, rows in outputs.items():
        yield from example_rows(data, split, rows)


def _prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {prefix + name: value for name, value in values.items()}


def split_details(predicted: Predictions, data: ClassificationData, rows: Dataset) -> ClassificationDetails:
    """Return scores, intervals and baseline of a split, its scores by label, calibration and worst errors.

    Args:
        predicted: predictions and references of the examples whose logits are finite.
        data: of the run.
        rows: these examples.
    """
    labels, metrics, count = data.labels, data.metrics, len(predicted.references)
    errors = worst_errors(predicted, labels, rows, data.text_columns)
    if not count:
        return {"examples": 0, "scores": {}, "intervals": {}, "baseline": {}, "worst_errors": errors}
    units = independent_units(rows, data.text_columns, data.group)
    details: ClassificationDetails = {
        "examples": count,
        "scores": metrics.score(predicted),
        "intervals": intervals(metrics, predicted, units=units),
        "interval_note": interval_note(units),
        "baseline": metrics.baseline(data.training_shares, predicted.references),
        "worst_errors": errors,
    }
    if labels.kind == "regression":
        details["predicted_against_true"] = predicted_against_true(predicted)
    if labels.kind != "regression":
        details["by_label"] = label_scores(predicted, labels)
        details["reliability"] = reliability(predicted)
    if labels.kind == "single_label":
        ids = list(range(len(labels.names)))
        details["confusion"] = confusion_matrix(predicted.references, predicted.predictions, labels=ids).tolist()
    return details


def label_scores(predicted: Predictions, labels: LabelSet) -> dict[str, LabelScores]:
    """Return precision, recall, F1, support and the number of predictions of each label.

    The precision of a label that is never predicted is undefined (None), and so is every score of one that does not
    occur: whatever is predicted, it could not be told from chance.
    """
    ids = list(range(len(labels.names)))
    columns = precision_recall_fscore_support(
        predicted.references, predicted.predictions, labels=ids, zero_division=np.nan
    )
    multi_label = predicted.predictions.ndim == 2
    counts = predicted.predictions.sum(0) if multi_label else np.bincount(predicted.predictions, minlength=len(ids))
    return {
        name: LabelScores(
            precision=finite_or_none(float(precision) if support else math.nan), recall=finite_or_none(float(recall)),
            f1=finite_or_none(float(f1) if support else math.nan), support=float(support), predicted=float(count),
        )
        for name, precision, recall, f1, support, count in zip(labels.names, *columns, counts, strict=True)
    }  # fmt: skip


def reliability(predicted: Predictions, bins: int = 15) -> Reliability:
    """Return the accuracy of predictions of similar confidence: a reliability diagram (Guo et al. 2017).

    Args:
        predicted: predictions and references; not of a regression.
        bins: of equal width, from 0 to 1; empty ones are omitted.
    """
    confidence, correct = confidences(predicted)
    bin_of_prediction = bin_of(confidence, bins)
    non_empty = [
        ReliabilityBin(
            low=number / bins,
            high=(number + 1) / bins,
            count=int((bin_of_prediction == number).sum()),
            confidence=float(confidence[bin_of_prediction == number].mean()),
            accuracy=float(correct[bin_of_prediction == number].mean()),
        )
        for number in np.unique(bin_of_prediction).tolist()
    ]
    return {"bins": non_empty, "calibration_error": calibration_gaps(confidence, correct, bins)}


def calibration_by_chance(predicted: Predictions) -> float:
    """Return the 95th percentile of the calibration error of a calibrated model with these probabilities."""
    return error_by_chance(confidences(predicted)[0], calibration_gaps)


def worst_errors(
    predicted: Predictions, labels: LabelSet, rows: Dataset, columns: Sequence[str], max_errors: int = _WORST_ERRORS
) -> list[ClassificationError]:
    """Return the wrong predictions with the highest confidence; of a regression those with the largest error.

    Args:
        predicted: predictions and references.
        labels: their names.
        rows: the examples, in the same order.
        columns: of their texts.
        max_errors: how many to return.
    """
    wrong = predicted.predictions != predicted.references
    if labels.kind == "regression":
        size = np.abs(predicted.predictions - predicted.references)
    elif labels.kind == "multi_label":
        confidence = np.where(predicted.predictions == 1, predicted.probabilities, 1 - predicted.probabilities)
        size = np.where(wrong, confidence, 0).max(1, initial=0)
    else:
        size = np.where(wrong, predicted.probabilities.max(1, initial=0), 0)
    errors = []
    for number in np.argsort(-size, kind="stable")[:max_errors].tolist():
        if size[number] <= 0:
            continue
        error = ClassificationError(
            row=number,
            texts=[rows[number][column] for column in columns],
            true=_readable(predicted.references[number], labels),
            predicted=_readable(predicted.predictions[number], labels),
        )
        error["absolute_error" if labels.kind == "regression" else "probability"] = float(size[number])
        errors.append(error)
    return errors


def _readable(value: Any, labels: LabelSet) -> str | float:
    """Return a target as label names or as a number."""
    if labels.kind == "regression":
        return round(float(value), 4)
    if labels.kind == "multi_label":
        return ", ".join(name for name, present in zip(labels.names, value, strict=True) if present) or "(none)"
    return labels.names[int(value)]
