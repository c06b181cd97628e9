"""The examples that a classifier gets most wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..reporting.report import ReportTable
from .labels import LabelSet
from .metrics import Predictions

_EXCERPT = 300  # characters of a text


def worst_errors(
    told: Predictions, labels: LabelSet, rows: Any, columns: Sequence[str], most: int = 10
) -> list[dict[str, Any]]:
    """Return the wrong predictions that the model is surest of; of a regression those that are furthest off.

    Args:
        told: predictions and references.
        labels: their names.
        rows: the examples, in the order of `told`.
        columns: of their texts.
        most: how many to return.

    Returns:
        Dicts of `row` (its number), `texts`, `true`, `said` (names of labels, of several joined, or numbers) and
        `probability` of what is wrongly said (of several labels that of the wrongest), or `off_by`.
    """
    key = "off_by" if labels.kind == "regression" else "probability"
    if labels.kind == "regression":
        wrongness = np.abs(told.predictions - told.references)
    elif labels.kind == "multi_label":
        sure = np.where(told.predictions == 1, told.probabilities, 1 - told.probabilities)
        wrongness = np.where(told.predictions != told.references, sure, 0).max(1)
    else:
        wrongness = np.where(told.predictions != told.references, told.probabilities.max(1), 0)
    chosen = np.argsort(-wrongness, kind="stable")[:most]
    return [
        {
            "row": number,
            "texts": [rows[number][column] for column in columns],
            "true": _named(told.references[number], labels),
            "said": _named(told.predictions[number], labels),
            key: float(wrongness[number]),
        }
        for number in chosen.tolist()
        if wrongness[number] > 0
    ]


def mistakes_table(split: str, errors: Sequence[dict[str, Any]], columns: Sequence[str]) -> ReportTable:
    """Return the table of `worst_errors`, which are one or more."""
    key = "off_by" if "off_by" in errors[0] else "probability"
    rows = [
        [*(_shortened(text) for text in one["texts"]), str(one["true"]), str(one["said"]), f"{one[key]:.3f}"]
        for one in errors
    ]
    note = "Those that are furthest off." if key == "off_by" else "Those that the model is surest of."
    return ReportTable(f"Worst errors, {split}", [*columns, "true", "said", key.replace("_", " ")], rows, note)


def _named(value: Any, labels: LabelSet) -> Any:
    """Return a target in the words of the task."""
    if labels.kind == "regression":
        return round(float(value), 4)
    if labels.kind == "multi_label":
        return ", ".join(name for name, one in zip(labels.names, value, strict=True) if one) or "(none)"
    return labels.names[int(value)]


def _shortened(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[:_EXCERPT].rstrip() + " …"
