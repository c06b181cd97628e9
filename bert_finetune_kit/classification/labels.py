"""Labels of a data set → targets of a model: ids, indicators or numbers."""

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.cells import to_list, with_decimal_points
from ..errors import ConfigError, DataError
from ..tasks.task import ClassificationTask, Kind
from .indicators import are_indicators, encode_indicators, is_indicator
from .label_names import label_name, sorted_names

_SHOWN = 10  # labels in a message


@dataclass(frozen=True)
class LabelSet:
    """Names of labels in the order of their ids, and how values of a data set are encoded.

    >>> LabelSet(("negative", "positive")).encode(["positive", "negative"], "train").tolist()
    [1, 0]
    """

    names: tuple[str, ...]
    kind: Kind = "single_label"
    by_column: bool = False
    """Whether values are lists of 0 and 1, one per name."""
    accepts_ids: bool = True
    """Whether values may be ids, numbers from 0; they may where the order of the names is declared."""

    @property
    def outputs(self) -> int:
        """Number of outputs of the model."""
        return 1 if self.kind == "regression" else len(self.names)

    def encode(self, values: Sequence[Any], split: str) -> np.ndarray:
        """Return the targets of a split; values are read as ids where they may be and none of them is a name.

        Returns:
            (examples,) int64 of a single_label task, (examples, labels) float32 of a multi_label task, (examples,)
            float32 of a regression.

        Raises:
            DataError: a label is missing, unknown or not a finite number; the message has its row.
        """
        if self.kind == "regression":
            return _numbers(values, split)
        if self.by_column:
            return encode_indicators(values, self.names, split)
        if self.kind == "single_label":
            if any(isinstance(value, list | dict) for value in values):
                raise DataError(f"The labels of the {split} split are lists: declare kind='multi_label'.")
            return np.array(self._ids([label_name(value) for value in values], split), np.int64)
        targets = np.zeros((len(values), len(self.names)), np.float32)
        for row, value in enumerate(values):
            if not isinstance(value, list | tuple | np.ndarray):
                raise DataError(
                    f"Row {row} of the {split} split has the label {value!r}: a multi_label task needs a list of "
                    'labels in each row (in a .csv file as in ["first", "second"], or as in first;second with '
                    "label_separator=';'), or one column of 0 and 1 per label (label=('first', 'second'))."
                )
            names = [label_name(label) for label in value]
            if len(set(names)) < len(names) and all(map(is_indicator, value)):
                raise DataError(
                    f"Row {row} of the {split} split has the label {value!r}. A list of labels names each once, and "
                    f"one of 0 and 1 for each label has {len(self.names)} of them in every row."
                )
            targets[row, self._ids(names, split, row)] = 1
        return targets

    def _ids(self, names: Sequence[str | None], split: str, row: int | None = None) -> list[int]:
        """Return the ids of names; `row` is that of all of them, none means that each has a row of its own."""
        by_name: dict[str | None, int] = {label_name(name): number for number, name in enumerate(self.names)}
        if self.accepts_ids and not set(names) & set(by_name):
            by_name = {str(number): number for number in range(len(self.names))}
        ids = []
        for number, name in enumerate(names):
            if name is None or name not in by_name:
                raise DataError(self._unknown(name, number if row is None else row, split))
            ids.append(by_name[name])
        return ids

    def _unknown(self, name: str | None, row: int, split: str) -> str:
        where = f"row {row} (counted from 0) of the {split} split"
        if name in (None, "-1"):
            return (
                f"The label in {where} is missing{' (-1 marks hidden labels on the Hub)' if name else ''}. Remove "
                "rows without a label; predict() of the trained model says what they are."
            )
        hint = " For numeric targets, declare kind='regression'." if _is_fraction(name) else ""
        return (
            f"The label {name!r} in {where} is unknown (known: {', '.join(self.names)}).{hint} Every label must be "
            "declared or occur in train."
        )


def label_set(task: ClassificationTask, values: Sequence[Any], class_names: tuple[str, ...] | None = None) -> LabelSet:
    """Return the labels that a task declares, else those of a `ClassLabel`, else those of the train split, sorted.

    Args:
        task: the declaration.
        values: labels of the train split, as `label_values` returns them.
        class_names: of the `ClassLabel`, if the data have one.

    Raises:
        DataError: the labels are fractions, which are targets of a regression.
    """
    if task.kind == "regression":
        return LabelSet((), "regression")
    if isinstance(task.label, tuple):
        return LabelSet(task.labels or task.label, task.kind, by_column=True)
    if task.kind == "multi_label" and class_names is None and are_indicators(values, task.labels):
        return LabelSet(task.labels or tuple(map(str, range(len(values[0])))), task.kind, by_column=True)
    declared = task.labels or class_names
    names = declared or sorted_names(_flat(values, task.kind))
    if declared is None and task.kind == "single_label" and any(_is_fraction(name) for name in names):
        example = next(name for name in names if _is_fraction(name))
        raise DataError(
            f"The labels of {task.name!r} are fractions such as {example}: for numeric targets, declare "
            "kind='regression'."
        )
    if declared is None and task.kind == "single_label" and names and all(map(_is_list, names)):
        raise DataError(f"The labels of {task.name!r} are lists such as {names[0]}: declare kind='multi_label'.")
    return LabelSet(tuple(names), task.kind, accepts_ids=declared is not None)


def label_notes(labels: LabelSet, task: ClassificationTask) -> list[str]:
    """Return the notes of a report on labels that may be one, and on how lists of 0 and 1 were read."""
    if not labels.by_column or not isinstance(task.label, str):
        return [] if task.labels else _case_notes(labels.names)
    named = "in the order of labels" if task.labels else "named by their position, since the task declares no labels"
    return [
        f"the lists of 0 and 1 in the column {task.label!r} are read as one 0 or 1 for each of {len(labels.names)} "
        f"labels, {named}"
    ]


def _case_notes(names: Sequence[str]) -> list[str]:
    """Return a note for labels that differ in case alone.

    >>> _case_notes(["NEG", "neg", "pos"])
    ["the labels 'NEG' and 'neg' differ in case alone: if they are one label, write them alike"]
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(repr(name))
    return [
        f"the labels {' and '.join(found)} differ in case alone: if they are one label, write them alike"
        for found in alike.values()
        if len(found) > 1
    ]


def check_classes(labels: LabelSet, train: np.ndarray, validation: dict[str, np.ndarray]) -> None:
    """Check that the training targets differ, and that every validation label occurs in train.

    Args:
        labels: of the task.
        train: targets of the train split.
        validation: targets by split.

    Raises:
        DataError: they do not differ, or a label is missing in train.
    """
    if labels.kind == "regression":
        if np.ptp(train) == 0:
            raise DataError(f"All training examples have the target {train[0]:g}: there is nothing to learn from them.")
        return
    present = _present(train)
    if labels.kind == "single_label" and len(present) < 2:
        raise DataError(
            f"All {len(train):,} training examples have the label {labels.names[min(present)]!r}: a model would learn "
            "to predict it for every example. Check that the file is complete and the column of the label right."
        )
    for split, targets in validation.items():
        missing = [labels.names[label] for label in sorted(_present(targets) - present)]
        if missing:
            raise DataError(
                f"The {split} split has the label {_some(missing)}, which no training example has: a model cannot "
                f"learn it.{_id_hint(len(present), len(train))}"
            )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"


def _id_hint(labels: int, examples: int) -> str:
    """Return what to do where nearly every example has a label of its own."""
    if labels <= examples / 2:
        return ""
    return f" There are {labels:,} labels for {examples:,} examples: set the label to a column of classes, not of ids."


def label_weights(class_weights: Any, train: np.ndarray, outputs: int) -> np.ndarray | None:
    """Return the weight of each label in the loss, (labels,) float32; none for equal weights.

    Args:
        class_weights: one number per label; `balanced` for weights inverse to the frequency of each label, in a
            multi_label task for the ratio of its absences to its presences; or none.
        train: targets of the train split.
        outputs: number of labels.

    Raises:
        ConfigError: there are more or fewer numbers than labels.
    """
    if class_weights is None:
        return None
    if class_weights == "balanced":
        counts = train.sum(0) if train.ndim == 2 else np.bincount(train, minlength=outputs)
        totals = len(train) - counts if train.ndim == 2 else len(train) / outputs
        return np.asarray(totals / np.maximum(counts, 1), np.float32)
    if len(class_weights) != outputs:
        raise ConfigError(
            f"class_weights has {len(class_weights)} numbers, and there are {outputs} labels: give one per label."
        )
    return np.array(class_weights, np.float32)


def _flat(values: Sequence[Any], kind: Kind) -> Iterable[str | None]:
    if kind == "single_label":
        return (label_name(value) for value in values)
    return (label_name(label) for value in values if isinstance(value, list) for label in value)


def _is_list(name: str) -> bool:
    if re.fullmatch(r"\[[\d.\s]*\]", name):  # as numpy writes one
        return True
    try:
        return name.startswith("[") and to_list(name) is not None
    except ValueError:
        return False


def _present(targets: np.ndarray) -> set[int]:
    return set((np.flatnonzero(targets.any(0)) if targets.ndim == 2 else np.unique(targets)).tolist())


def _is_fraction(name: str) -> bool:
    try:
        return not float(*with_decimal_points([name])).is_integer()
    except (ValueError, OverflowError):
        return False


def _number_advice(value: Any) -> str:
    if isinstance(value, str) and "," in value:
        return "A comma in a number can be that of thousands: write it without one, and decimals with a point."
    return "Remove rows without one."


def _numbers(values: Sequence[Any], split: str) -> np.ndarray:
    targets = np.full(len(values), np.nan, np.float32)
    for row, value in enumerate(with_decimal_points(values)):
        with contextlib.suppress(TypeError, ValueError):
            targets[row] = float(value)
        if not np.isfinite(targets[row]):
            raise DataError(
                f"The target in row {row} (counted from 0) of the {split} split is {value!r}: a regression needs a "
                f"finite number in each row. {_number_advice(value)}"
            )
    return targets
