"""Where labelled examples come from: the data set of a task, or what a user gives in its place."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, Value

from ..errors import DataError, raise_faults
from ..tasks.registry import SAMPLE_TASK
from ..tasks.task import ClassificationTask
from .readers import quiet_datasets
from .sample import sample_reviews
from .tables import open_tables

_TEXT_TYPES = ("string", "large_string")


@dataclass(frozen=True)
class LabelledSource:
    """A labelled data set, and what it is evaluated on."""

    train: Any = None
    """Hub id, file, folder, list of files, `Dataset` or `DatasetDict`; none means the data set of the task."""
    validation: Any = None
    """The same for evaluation; none means the data set's own splits, or a share of its train split."""
    train_split: str = "train"
    """Split to train on, where the data set has splits."""
    validation_share: float = 0.1
    """Share of the examples held out for evaluation where nothing else is given."""
    column_names: list[str] | None = None
    """Names of the columns, for .csv and .tsv files without a header line."""
    max_train_examples: int | None = None
    """Train on the first so many examples; none means all."""
    max_validation_examples: int | None = None
    """Evaluate on the first so many examples of each split; none means all."""

    def __post_init__(self) -> None:
        faults = []
        if not 0 < self.validation_share < 1:
            faults.append(f"validation_share is {self.validation_share}: a share lies between 0 and 1")
        for name in ("max_train_examples", "max_validation_examples"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                faults.append(f"{name} is {getattr(self, name)}: at least one example is needed")
        raise_faults(faults, "LabelledSource")


@dataclass(frozen=True)
class LabelledData:
    """Rows of a task as they came: texts are checked, labels are not."""

    name: str
    train: Dataset
    validation: dict[str, Dataset]
    """Splits to evaluate on; empty where there are none."""

    def map(self, change: Callable[[Dataset], Dataset]) -> "LabelledData":
        """Return the same data with the rows of every split changed."""
        with quiet_datasets():
            changed = {split: change(rows) for split, rows in {"train": self.train, **self.validation}.items()}
        return LabelledData(self.name, changed.pop("train"), changed)


def load_labelled(task: ClassificationTask, source: LabelledSource) -> LabelledData:
    """Load the splits of a task.

    Args:
        task: its columns and its own data set.
        source: what takes the place of the task's data set.

    Raises:
        DataError: a data set, split or column is missing, or a text is missing or no text.
    """
    given = task.dataset if source.train is None else source.train
    if given is None:
        if task != SAMPLE_TASK or source.validation is not None:
            raise DataError(
                f"There is nothing to train on: the task {task.name!r} names no data set. Give its dataset, or a source"
            )
        rows = {split: Dataset.from_list(sample_reviews(split)) for split in ("train", "validation")}
        name = "the bundled sample's reviews"
    else:
        config = task.hub_config if given is task.dataset else None
        rows = open_tables(given, source.train_split, config, source.column_names)
        name = describe_data(given, task)
    if source.train_split not in rows:
        raise DataError(f"{name} has no split {source.train_split!r}. There are: {', '.join(rows)}.")
    validation = _validation(task, source, rows, name)
    train = _limit(rows[source.train_split], source.max_train_examples)
    validation = {split: _limit(rows, source.max_validation_examples) for split, rows in validation.items()}
    for split, one in {"train": train, **validation}.items():
        check_columns(one, task, split)
        check_texts(one, task, split)
    return LabelledData(name, train, validation)


def _validation(
    task: ClassificationTask, source: LabelledSource, rows: dict[str, Dataset], name: str
) -> dict[str, Dataset]:
    if source.validation is not None:
        given = open_tables(source.validation, "validation", None, source.column_names)
        found = {split: given[split] for split in task.validation_splits if split in given}
        if not found:
            wanted = ", ".join(task.validation_splits)
            if len(given) > 1:
                raise DataError(f"{source.validation} has no split {wanted}. There are: {', '.join(given)}.")
            found = {"validation": next(iter(given.values()))}
        return found
    found = {split: rows[split] for split in task.validation_splits if split in rows}
    if not found and "validation" in rows:
        wanted = ", ".join(task.validation_splits)
        raise DataError(f"{name} has no split {wanted}. There are: {', '.join(rows)}. Say which with validation=….")
    if found and len(found) < len(task.validation_splits):
        lacking = ", ".join(split for split in task.validation_splits if split not in rows)
        raise DataError(f"{name} has no split {lacking}. There are: {', '.join(rows)}.")
    return found


def hold_out(examples: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which examples to train on and which to evaluate on, whatever the seed of a run the same.

    Raises:
        DataError: there are too few.
    """
    count = max(1, round(examples * share))
    if count >= examples:
        raise DataError(f"The train split has {examples} examples: too few to hold some of them out for validation.")
    order = np.random.default_rng(0).permutation(examples)
    return np.sort(order[count:]), np.sort(order[:count])


def _limit(rows: Dataset, count: int | None) -> Dataset:
    return rows if count is None else rows.take(min(count, len(rows)))


def describe_data(given: Any, task: ClassificationTask) -> str:
    """Name a data set for the reader of a report."""
    if isinstance(given, list | tuple):
        return ", ".join(str(one) for one in given)
    if not isinstance(given, str):
        return f"{task.name} (in memory)" if not hasattr(given, "name") else str(given)
    return f"{given} ({task.hub_config})" if given is task.dataset and task.hub_config else given


def label_columns(task: ClassificationTask) -> list[str]:
    """Return the columns of the label: one, or several of 0 and 1."""
    return [task.label] if isinstance(task.label, str) else list(task.label)


def check_columns(rows: Dataset, task: ClassificationTask, split: str, labelled: bool = True) -> None:
    """Check that the columns of a task are there and that its texts are strings.

    Raises:
        DataError: they are not; the message lists the columns there are.
    """
    listing = ", ".join(f"{name} ({getattr(kind, 'dtype', 'list')})" for name, kind in rows.features.items())
    texts = [column for column in (task.text, task.text_pair) if column is not None]
    roles = {column: "text" if column in texts else "label" for column in texts + (label_columns(task) * labelled)}
    faults = []
    for column, role in roles.items():
        if column in rows.column_names:
            continue
        similar = get_close_matches(column, rows.column_names, n=1, cutoff=0.7)
        hint = f" (did you mean {similar[0]!r}?)" if similar else ""
        faults.append(f"there is no column {column!r} for the {role}{hint}")
    for column in texts:
        kind = rows.features.get(column)
        if kind is not None and not (isinstance(kind, Value) and kind.dtype in _TEXT_TYPES):
            faults.append(f"the column {column!r} holds no text but {getattr(kind, 'dtype', 'lists')}")
    if faults:
        raise DataError(
            f"The {split} split of {task.name!r}: {'; '.join(faults)}. There are: {listing}. Name the columns with "
            "text, text_pair and label of the ClassificationTask."
        )


def check_texts(rows: Dataset, task: ClassificationTask, split: str, numbers: bool = False) -> None:
    """Check that there are examples, and that every text says something.

    Raises:
        DataError: a split or a text is empty, or a whole column holds numbers and `numbers` are not allowed.
    """
    if len(rows) == 0:
        raise DataError(f"The {split} split of {task.name!r} has no examples.")
    for column in (task.text, task.text_pair):
        if column is None:
            continue
        texts = rows[column][:]
        empty = [number for number, text in enumerate(texts) if text is None or not text.strip()]
        if empty:
            shown = ", ".join(str(number) for number in empty[:5]) + (", …" if len(empty) > 5 else "")
            raise DataError(
                f"{len(empty):,} of {len(texts):,} texts in the column {column!r} of the {split} split are empty (rows "
                f"{shown}, counted from 0): there is nothing to classify in them. Leave those rows out."
            )
        if not numbers and all(_is_number(text) for text in texts):
            raise DataError(
                f"The column {column!r} of the {split} split holds numbers alone (such as {texts[0]!r}): that is no "
                f"text. There are the columns {', '.join(rows.column_names)}."
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def class_names(rows: Dataset, task: ClassificationTask) -> tuple[str, ...] | None:
    """Return the names of the labels in the order that a `ClassLabel` column gives them; none without one."""
    kind = rows.features[task.label] if isinstance(task.label, str) else None
    kind = getattr(kind, "feature", kind)
    return tuple(kind.names) if isinstance(kind, ClassLabel) else None


def label_values(rows: Dataset, task: ClassificationTask) -> list[Any]:
    """Return the labels of a split as they are told: a `ClassLabel` by its names, several columns as lists."""
    columns = []
    for column in label_columns(task):
        values, kind = rows[column][:], rows.features[column]
        if isinstance(kind, ClassLabel):
            values = [kind.names[value] if value is not None and value >= 0 else None for value in values]
        elif isinstance(getattr(kind, "feature", None), ClassLabel):
            values = [None if ids is None else [kind.feature.names[one] for one in ids] for ids in values]
        columns.append(values)
    return columns[0] if isinstance(task.label, str) else [list(row) for row in zip(*columns, strict=True)]
