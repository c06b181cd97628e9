"""Labels as a data set tells them → the numbers that a model learns, and back."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError, ModelError
from ..tasks.task import ClassificationTask, Kind

_BOOLEANS = ("false", "true")


@dataclass(frozen=True)
class LabelSet:
    """Names of labels in the order of their ids, and how values of a data set become ids.

    >>> LabelSet(("negative", "positive")).encode(["positive", "negative"], "train").tolist()
    [1, 0]
    """

    names: tuple[str, ...]
    kind: Kind = "single_label"
    by_column: bool = False
    """Whether values are lists of 0 and 1, one for each name."""
    numbered: bool = True
    """Whether numbers may stand for the names in their order, as they may where the names are declared."""

    @property
    def outputs(self) -> int:
        """Number of outputs of the model."""
        return 1 if self.kind == "regression" else len(self.names)

    def encode(self, values: Sequence[Any], split: str) -> np.ndarray:
        """Return the targets of a split; numbers stand for the names in their order where no value is a name.

        Returns:
            (examples,) int64 for a single label, (examples, labels) float32 for several, (examples,) float32 for a
            regression.

        Raises:
            DataError: a label is missing, unknown or no finite number; the message has its row.
        """
        if self.kind == "regression":
            return _numbers(values, split)
        if self.by_column:
            return _indicators(values, split)
        if self.kind == "single_label":
            if any(isinstance(value, list | dict) for value in values):
                raise DataError(f"The labels of the {split} split are lists: declare kind='multi_label'.")
            return np.array(self._ids([label_name(value) for value in values], split), np.int64)
        targets = np.zeros((len(values), len(self.names)), np.float32)
        for row, value in enumerate(values):
            if not isinstance(value, list | tuple | np.ndarray):
                raise DataError(
                    f"Row {row} of the {split} split has the label {value!r}: a multi_label task needs a list of "
                    "labels in each row, or one column of 0 and 1 a label (label=('first', 'second'))."
                )
            names = [label_name(one) for one in value]
            targets[row, self._ids(names, split, row)] = 1
        return targets

    def _ids(self, names: Sequence[str | None], split: str, row: int | None = None) -> list[int]:
        ids: dict[str | None, int] = {label_name(name): number for number, name in enumerate(self.names)}
        if self.numbered and not set(names) & set(ids):
            ids = {str(number): number for number in range(len(self.names))}
        found = []
        for number, name in enumerate(names):
            if name is None or name not in ids:
                place = number if row is None else row
                raise DataError(self._unknown(name, place, split))
            found.append(ids[name])
        return found

    def _unknown(self, name: str | None, row: int, split: str) -> str:
        where = f"row {row} (counted from 0) of the {split} split"
        if name in (None, "-1"):
            return (
                f"The label in {where} is missing{' (-1 marks hidden labels on the Hub)' if name else ''}. Leave out "
                "rows without a label, or predict them with recipe.predict."
            )
        known = ", ".join(self.names)
        hint = " For a target that is a number, declare kind='regression'." if _is_fraction(name) else ""
        return f"The label {name!r} in {where} is none of {known}.{hint} Every label must be declared or in train."


def label_set(task: ClassificationTask, values: Sequence[Any], named: tuple[str, ...] | None = None) -> LabelSet:
    """Return the labels that a task declares, or those that its data name, or those of its train split in sorted order.

    Args:
        task: the declaration.
        values: labels of the train split, as `label_values` gives them.
        named: names in the order of a `ClassLabel`, if the data have one.

    Raises:
        DataError: all training examples have one label, or a number is no label.
    """
    if task.kind == "regression":
        return LabelSet((), "regression")
    if isinstance(task.label, tuple):
        return LabelSet(task.labels or task.label, task.kind, by_column=True)
    declared = task.labels or named
    names = declared or sorted_names(_flat(values, task.kind))
    if declared is None and task.kind == "single_label" and any(_is_fraction(name) for name in names):
        example = next(name for name in names if _is_fraction(name))
        raise DataError(
            f"The labels of {task.name!r} are fractions such as {example}: for a target that is a number, declare "
            "kind='regression'."
        )
    return LabelSet(tuple(names), task.kind, numbered=declared is not None)


def check_classes(labels: LabelSet, train: np.ndarray, others: dict[str, np.ndarray]) -> None:
    """Check that there is something to tell apart, and that no split has a label that train lacks.

    Raises:
        DataError: there is not, or one has.
    """
    if labels.kind == "regression":
        if np.ptp(train) == 0:
            raise DataError(f"All training examples have the target {train[0]:g}: there is nothing to learn from them.")
        return
    present = _present(train)
    if labels.kind == "single_label" and len(present) < 2:
        raise DataError(
            f"All {len(train):,} training examples have the label {labels.names[min(present)]!r}: a model would learn "
            "to say it always. Is the file sorted and cut off, or the wrong column named?"
        )
    for split, targets in others.items():
        lacking = [labels.names[label] for label in sorted(_present(targets) - present)]
        if lacking:
            raise DataError(
                f"The {split} split has the label {', '.join(map(repr, lacking))}, which no training example has: a "
                "model cannot learn it."
            )


def check_label_order(labels: LabelSet, config: Any, given: str) -> None:
    """Check the labels of a task by name against those of a checkpoint that already has some.

    Raises:
        ModelError: names or order differ; the message shows both.
    """
    names = [str(config.id2label[number]) for number in sorted(config.id2label)]
    ours = list(labels.names) if labels.kind != "regression" else []
    if labels.kind == "regression" and len(names) == 1:
        return
    if names == [f"LABEL_{number}" for number in range(len(names))]:
        if len(names) == labels.outputs:
            return
        names = []  # other than ours, and nameless
    if [name.lower() for name in names] == [name.lower() for name in ours]:
        return
    shown = f"({', '.join(names)})" if names else f"{len(config.id2label)} without names"
    raise ModelError(
        f"{given} was trained for the labels {shown}; the task has ({', '.join(ours) or 'one number'}). "
        f"{'The names are the same in another order: ' if sorted(names) == sorted(ours) else ''}"
        "Declare labels in the order of the checkpoint to go on with its head, or set new_head=True for a fresh one."
    )


def label_weights(given: Any, train: np.ndarray, outputs: int) -> np.ndarray | None:
    """Return the weight of each label in the loss, (labels,) float32; none where all weigh the same.

    Args:
        given: a number a label; `balanced` for weights inverse to the frequency of each label, of several labels for
            how many times as often each is absent as present; or none.
        train: targets of the train split.
        outputs: number of labels.

    Raises:
        ConfigError: there are more or fewer numbers than labels.
    """
    if given is None:
        return None
    if given == "balanced":
        counts = train.sum(0) if train.ndim == 2 else np.bincount(train, minlength=outputs)
        others = len(train) - counts if train.ndim == 2 else len(train) / outputs
        return np.asarray(others / np.maximum(counts, 1), np.float32)
    if len(given) != outputs:
        raise ConfigError(f"class_weights has {len(given)} numbers, and there are {outputs} labels.")
    return np.array(given, np.float32)


def label_name(value: Any) -> str | None:
    """Return a label as a name: 1, 1.0 and "1" are one label, True is "true", an empty cell is none."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return _BOOLEANS[int(value)]
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    name = str(value).strip()
    if name.endswith(".0") and name[:-2].lstrip("-").isdigit():
        return name[:-2]
    return name.lower() if name.lower() in _BOOLEANS else name or None


def sorted_names(names: Iterable[str | None]) -> list[str]:
    """Return each name once: numbers by size, words by the alphabet."""
    found = {name for name in names if name is not None}
    if all(name.lstrip("-").isdigit() for name in found):
        return sorted(found, key=int)
    return sorted(found)


def _flat(values: Sequence[Any], kind: Kind) -> Iterable[str | None]:
    if kind == "single_label":
        return (label_name(value) for value in values)
    return (label_name(one) for value in values if isinstance(value, list) for one in value)


def _present(targets: np.ndarray) -> set[int]:
    return set((np.flatnonzero(targets.any(0)) if targets.ndim == 2 else np.unique(targets)).tolist())


def _is_fraction(name: str) -> bool:
    try:
        return not float(name).is_integer()
    except (ValueError, OverflowError):
        return False


def _numbers(values: Sequence[Any], split: str) -> np.ndarray:
    targets = np.full(len(values), np.nan, np.float32)
    for row, value in enumerate(values):
        with contextlib.suppress(TypeError, ValueError):
            targets[row] = float(value)
        if not np.isfinite(targets[row]):
            raise DataError(
                f"The target in row {row} (counted from 0) of the {split} split is {value!r}: a regression needs a "
                "finite number in each row. Leave out rows without one."
            )
    return targets


def _indicators(values: Sequence[Any], split: str) -> np.ndarray:
    for row, value in enumerate(values):
        wrong = [one for one in value if label_name(one) not in ("0", "1", *_BOOLEANS)]
        if wrong:
            raise DataError(
                f"Row {row} (counted from 0) of the {split} split has {wrong[0]!r} in a column of a label: 0 or 1 is "
                "needed."
            )
    return np.array([[label_name(one) in ("1", "true") for one in value] for value in values], np.float32)
