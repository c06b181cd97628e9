"""The train split of a classification → folds; predictions of all of them → scores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from datasets import DatasetDict

from ..compat.datasets import no_progress_bars
from ..contract import Fold, FoldedData
from ..data.clusters import cluster_numbers
from ..data.folds import assign_folds, rarest_labels, same_text, target_bins
from ..data.groups import group_values
from ..data.labelled import LabelledData, class_names, label_values
from ..data.memory import FoldData
from ..data.sources import LabelledSource
from ..errors import DataError
from ..reporting.intervals import Interval
from ..reporting.statistics.clusters import Units
from ..tasks.task import ClassificationTask
from .data import hold_out_rows
from .example_rows import predictions_of
from .intervals import intervals
from .labels import LabelSet, check_classes, label_set
from .metric_set import metric_set

_STRATIFIED_BY = {"single_label": "label", "multi_label": "the rarest label of each example", "regression": "target"}


def fold_data(rows: LabelledData, task: ClassificationTask, source: LabelledSource, folds: int) -> FoldedData:
    """Divide the train split into folds with equal shares of the labels, and with whole groups.

    Args:
        rows: by split, as they are in the files.
        task: the declaration.
        source: its settings.
        folds: how many.

    Raises:
        DataError: there are too few examples, groups, or examples of a label; or a label cannot be used.
    """
    values = label_values(rows.train, task)
    labels = label_set(task, values, class_names(rows.train, task))
    targets = labels.encode(values, "train")
    check_classes(labels, targets, {})
    groups = None if source.group is None else group_values(rows.train, source.group, "train")
    texts = same_text(*(rows.train[column][:] for column in task.text_columns))
    units = cluster_numbers(texts) if groups is None else cluster_numbers(texts, groups)
    unit = "example" if groups is None else "group"
    _check_counts(labels, targets, units, folds, folds if groups is None else 2, unit)
    strata = targets
    if labels.kind != "single_label":
        strata = rarest_labels(targets) if labels.kind == "multi_label" else target_bins(targets, folds)
    assigned = assign_folds(units, folds, strata, unit=unit, are_groups=groups is not None)
    _check_learnable(labels, targets, assigned)
    together = "" if source.group is None else f"; examples of one group ({source.group}) are in one fold"
    return FoldedData(
        name=rows.name,
        unit="example",
        divided_by=f"stratified by {_STRATIFIED_BY[labels.kind]}{together}",
        folds=[_fold(rows, source, task.text_columns, assigned, number, folds) for number in range(folds)],
        notes=rows.notes,
        has_validation=bool(rows.validation),
        clusters=None if groups is None else units,
        cluster="" if groups is None else "group",
        pool=partial(pool, task, labels),
    )


def _fold(
    rows: LabelledData, source: LabelledSource, columns: Sequence[str], assigned: np.ndarray, number: int, folds: int
) -> Fold:
    numbers, name = np.flatnonzero(assigned == number), f"{rows.name}, fold {number + 1} of {folds}"
    with no_progress_bars():
        train, scored = rows.train.select(np.flatnonzero(assigned != number)), rows.train.select(numbers)
    if not rows.validation:
        hold_out_rows(train, source, columns, None)  # raises where nothing can be held out
    fold_source = replace(
        source,
        train=FoldData(name, {source.train_split: train}),
        validation=DatasetDict(rows.validation) if rows.validation else None,
        max_train_examples=None,
        max_validation_examples=None,
    )
    return Fold(fold_source, FoldData(name, {"test": scored}), numbers)


def _members(labels: LabelSet, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rows of each label that occurs, (rows of it,); none of a regression."""
    if labels.kind == "regression":
        return {}
    columns = targets.T > 0 if labels.kind == "multi_label" else (targets == number for number in range(labels.outputs))
    rows = {name: np.flatnonzero(column) for name, column in zip(labels.names, columns, strict=True)}
    return {name: found for name, found in rows.items() if len(found)}


def _check_counts(labels: LabelSet, targets: np.ndarray, units: np.ndarray, folds: int, needed: int, unit: str) -> None:
    counts = {name: len(np.unique(units[rows])) for name, rows in _members(labels, targets).items()}
    rare = {name: count for name, count in counts.items() if count < needed}
    if not rare:
        return
    shown = ", ".join(f"{name!r} ({count})" for name, count in sorted(rare.items(), key=lambda item: item[1])[:5])
    fewest = min(rare.values())
    fewer = f"Set folds to {fewest} or less, or join" if fewest > 1 else "Join"
    raise DataError(
        f"{folds} folds need {needed} different {unit}s of every label, so that every model can learn it, and there "
        f"are fewer of {len(rare)} of {len(counts)} labels: {shown}{', …' if len(rare) > 5 else ''}. "
        f"{fewer} such labels, remove their examples, or add some."
    )


def _check_learnable(labels: LabelSet, targets: np.ndarray, assigned: np.ndarray) -> None:
    for name, rows in _members(labels, targets).items():
        if len(np.unique(assigned[rows])) < 2:
            raise DataError(
                f"All examples of the label {name!r} would be in one fold, whose model could not learn it: their "
                "groups are too large. Set folds to another number, or join or remove such labels."
            )


def pool(
    task: ClassificationTask, labels: LabelSet, rows: Sequence[Mapping[str, Any]], clusters: np.ndarray | None
) -> tuple[dict[str, float], dict[str, Interval]]:
    """Return the scores of predictions that several models made, and their 95% intervals.

    Args:
        task: the declaration.
        labels: of all models.
        rows: predictions, as in `predictions.jsonl`; those without a prediction are counted and skipped.
        clusters: (rows,) int64: which rows belong together; none where each stands for itself.
    """
    chosen = np.array([row["prediction"] is not None for row in rows])
    kept = [row for row in rows if row["prediction"] is not None]
    missing = {} if chosen.all() else {"non_finite_examples": float((~chosen).sum())}
    if not kept:
        return missing, {}
    metrics, predicted = metric_set(task.metrics, task.kind, labels.outputs), predictions_of(kept, labels)
    scores = metrics.score(predicted) | {"loss": float(np.mean([float(row["loss"]) for row in kept]))} | missing
    units = None if clusters is None else Units("groups", clusters).take(chosen)
    return scores, intervals(metrics, predicted, units=units)
