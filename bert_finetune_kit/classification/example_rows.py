"""Predictions of single examples as rows of `predictions.jsonl`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..contract import Outputs
from ..reporting.predictions import text_hash
from .data import ClassificationData
from .labels import LabelSet
from .metrics import Predictions, decode, example_losses

_IDS = ("id", "idx", "guid")  # columns that name an example, as data sets call them


def example_rows(data: ClassificationData, split: str, outputs: Outputs) -> Iterator[dict[str, Any]]:
    """Yield one row an example, in the order of the split.

    Args:
        data: of the run.
        split: to predict.
        outputs: losses, logits (examples, labels) and references.

    Yields:
        `split`; `row`, its number there; `id` where the data have one; `text_hash`; `reference` and `prediction`: a
        label, a list of labels or a number; `probabilities` by label, not of a regression; `loss` in nats or squared.
        Where the logits are not finite, `prediction` and all after it are None.
    """
    _, logits, references = outputs
    labels, rows, finite = data.labels, data.validation_rows[split], np.asarray(np.isfinite(logits).all(1))
    usable = np.where(finite[:, None], logits, 0)
    predicted = decode(usable, references, labels.kind, data.threshold)
    losses = example_losses(usable, references, labels.kind)
    name_column = next((name for name in _IDS if name in rows.column_names), None)
    for number in range(len(references)):
        row, computed = rows[number], bool(finite[number])
        yield {
            "split": split,
            "row": number,
            **({} if name_column is None else {"id": row[name_column]}),
            "text_hash": text_hash(*(row[column] for column in data.text_columns)),
            "reference": readable(predicted.references[number], labels),
            "prediction": readable(predicted.predictions[number], labels) if computed else None,
            **_probabilities(predicted.probabilities[number], labels, computed),
            "loss": float(losses[number]) if computed else None,
        }


def _probabilities(values: np.ndarray, labels: LabelSet, computed: bool) -> dict[str, Any]:
    if labels.kind == "regression":
        return {}
    shares = dict(zip(labels.names, map(float, values), strict=True)) if computed else None
    return {"probabilities": shares}


def readable(value: Any, labels: LabelSet) -> str | list[str] | float:
    """Return a target as a label, a list of labels or a number."""
    if labels.kind == "regression":
        return float(value)
    if labels.kind == "multi_label":
        return [name for name, present in zip(labels.names, value, strict=True) if present]
    return labels.names[int(value)]


def predictions_of(rows: Sequence[Mapping[str, Any]], labels: LabelSet) -> Predictions:
    """Return the predictions and references of rows as `example_rows` yields them, all with a prediction."""
    references, predictions = ([row[name] for row in rows] for name in ("reference", "prediction"))
    if labels.kind == "regression":
        numbers = np.array(predictions, float)
        return Predictions(np.array(references, float), numbers, numbers)
    probabilities = np.array([[row["probabilities"][name] for name in labels.names] for row in rows], float)
    if labels.kind == "multi_label":
        targets, predicted = (
            np.array([[name in names for name in labels.names] for names in column], np.int64)
            for column in (references, predictions)
        )
        return Predictions(targets, predicted, probabilities)
    ids = {name: number for number, name in enumerate(labels.names)}
    targets, predicted = (np.array([ids[name] for name in column]) for column in (references, predictions))
    return Predictions(targets, predicted, probabilities)
