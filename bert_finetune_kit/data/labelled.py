"""Labelled examples: the data set of a task, or the source that takes its place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datasets import ClassLabel, Dataset

from ..compat.datasets import no_progress_bars
from ..errors import DataError
from ..settings import is_number
from ..tasks.registry import SAMPLE_TASK
from ..tasks.task import ClassificationTask
from .cells import to_list
from .columns import check_usable, column_advice, did_you_mean, listed, with_kinds
from .opening import Splits, describe_source
from .sample import sample_reviews
from .sources import LabelledSource, source_to_evaluate
from .splits import TEST, limit
from .tables import open_tables, read_table
from .text import is_text

_USUAL_SEPARATORS = (";", ",", "|", "/", "\t")


@dataclass(frozen=True)
class LabelledData:
    """Rows of a task as they were read: texts are checked, labels are not."""

    name: str
    train: Dataset
    validation: dict[str, Dataset]
    """Splits to evaluate on, by name; empty where there are none."""
    notes: tuple[str, ...] = ()

    def map(self, change: Callable[[Dataset], Dataset]) -> "LabelledData":
        """Return the same data with the rows of every split changed."""
        with no_progress_bars():
            changed = {split: change(rows) for split, rows in {"train": self.train, **self.validation}.items()}
        return LabelledData(self.name, changed.pop("train"), changed, self.notes)


def load_labelled(task: ClassificationTask, source: LabelledSource) -> LabelledData:
    """Load the splits of a task.

    Args:
        task: its columns and its own data set.
        source: replaces the data set of the task where it is given.

    Raises:
        DataError: a data set, split or column is missing, or a text is missing, empty or not a string.
    """
    given = task.dataset if source.train is None else source.train
    if given is None:
        if task != SAMPLE_TASK or source.validation is not None:
            raise DataError(
                f"No training data: the task {task.name!r} has no dataset. Set it, or pass a source; to score a "
                "trained model, use evaluate(data)."
            )
        splits = {split: Dataset.from_list(sample_reviews(split)) for split in ("train", "validation")}
        tables = Splits("the bundled sample's reviews", splits, read_table)
    else:
        config = task.hub_config if given is task.dataset else None
        tables = open_tables(given, source.train_split, config, source.column_names, source.encoding)
    train = limit(tables.pick(source.train_split), source.max_train_examples)
    validation = {
        split: limit(rows, source.max_validation_examples) for split, rows in _validation(task, source, tables).items()
    }
    described = source.validation is not None and describe_source(source.validation)
    for split, rows in {"train": train, **validation}.items():
        check_columns(rows, task, split, described if described and split != "train" else tables.source)
        check_texts(rows, task, split)
    return LabelledData(tables.source, train, validation, tables.notes)


def _validation(task: ClassificationTask, source: LabelledSource, tables: Splits[Dataset]) -> dict[str, Dataset]:
    """Return the splits of the task that a given validation source has; without one, those of the data set itself."""
    wanted = task.validation_splits
    if source.validation is not None:
        tables = open_tables(source.validation, "validation", None, source.column_names, source.encoding)
        present = [split for split in wanted if split in tables]
        return {split: tables[split] for split in present} or {"validation": tables.pick_first(*wanted)}
    present = [split for split in wanted if split in tables]
    if len(present) < len(wanted) and (present or "validation" in tables):
        raise tables.missing(*(split for split in wanted if split not in tables))
    return {split: tables[split] for split in present}


def label_columns(task: ClassificationTask) -> list[str]:
    """Return the columns of the label: one, or several of 0 and 1."""
    return [task.label] if isinstance(task.label, str) else list(task.label)


def check_columns(rows: Dataset, task: ClassificationTask, split: str, source: str = "", labelled: bool = True) -> None:
    """Check that the columns of a task exist and that its texts are strings.

    Args:
        rows: the split.
        task: its columns.
        split: name of the split.
        source: name of the file or data set that it is from, where it is known.
        labelled: whether the label is needed.

    Raises:
        DataError: they do not, or are not; the message lists the columns there are.
    """
    texts = {"text": task.text} | ({} if task.text_pair is None else {"text_pair": task.text_pair})
    named = [*texts.items(), *(("label", column) for column in label_columns(task) if labelled)]
    check_usable(rows, (column for _, column in named))
    faults = {}
    for setting, column in named:
        if column not in rows.column_names:
            role, hint = setting.removesuffix("_pair"), did_you_mean(column, rows.column_names)
            faults[f"there is no column {column!r} for the {role}{hint}"] = setting
        elif setting in texts and not is_text(rows.features[column]):
            kind = getattr(rows.features[column], "dtype", "lists")
            faults[f"the column {column!r} contains {kind} instead of text"] = setting
    if faults:
        where = f"The {split} split of {source or repr(task.name)}"
        settings = " and ".join(f"{setting}=" for setting in dict.fromkeys(faults.values()))
        advice = f"Set {settings} to the right column." if labelled else "Name the columns as the task does."
        if set(faults.values()) & set(texts):
            advice = column_advice(rows.column_names, advice)
        raise DataError(f"{where}: {'; '.join(faults)}. Columns: {with_kinds(rows)}. {advice}")


def check_texts(rows: Dataset, task: ClassificationTask, split: str, numbers: bool = False) -> None:
    """Check that there are examples, and that no text is empty.

    Args:
        rows: the split.
        task: its columns.
        split: name of the split.
        numbers: whether a column may contain numbers alone.

    Raises:
        DataError: a split or a text is empty, or a column contains numbers alone, although it may not.
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
                f"{shown}, counted from 0): there is nothing to classify. Remove these rows."
            )
        if not numbers and all(is_number(text) for text in texts):
            raise DataError(
                f"The column {column!r} of the {split} split contains numbers alone (such as {texts[0]!r}), which are "
                f"not text. Set text= to another column: {', '.join(rows.column_names)}."
            )


def class_names(rows: Dataset, task: ClassificationTask) -> tuple[str, ...] | None:
    """Return the names of the labels in the order of a `ClassLabel` column; none without such a column."""
    kind = rows.features[task.label] if isinstance(task.label, str) else None
    kind = getattr(kind, "feature", kind)
    return tuple(kind.names) if isinstance(kind, ClassLabel) else None


def label_values(rows: Dataset, task: ClassificationTask) -> list[Any]:
    """Return the labels of a split as they were read, the ids of a `ClassLabel` as names, several columns as lists.

    Lists in the cells of a .csv or .tsv file are those of a multi_label task. With its separator, cells are split.

    Raises:
        DataError: such a cell is no list.
    """
    columns = []
    for column in label_columns(task):
        values, kind = rows[column][:], rows.features[column]
        if isinstance(kind, ClassLabel):
            values = [kind.names[value] if value is not None and value >= 0 else None for value in values]
        elif isinstance(getattr(kind, "feature", None), ClassLabel):
            values = [None if ids is None else [kind.feature.names[label] for label in ids] for ids in values]
        elif task.label_separator is not None:
            values = [_split(value, task.label_separator) for value in values]
        elif task.kind == "multi_label" and isinstance(task.label, str):
            values = [_list_of_cell(value, row) for row, value in enumerate(values)]
        columns.append(values)
    return columns[0] if isinstance(task.label, str) else [list(row) for row in zip(*columns, strict=True)]


def separator_notes(rows: Dataset, task: ClassificationTask) -> list[str]:
    """Return a note where the separator of a task stands in no cell, so that no row has several labels.

    Raises:
        DataError: another usual separator stands in cells, and no labels are declared that could contain it.
    """
    separator = task.label_separator
    if separator is None or not isinstance(task.label, str) or not is_text(rows.features[task.label]):
        return []
    cells = [cell for cell in rows[task.label] if cell]
    if not cells or any(separator in cell for cell in cells):
        return []
    counts = {usual: sum(usual in cell for cell in cells) for usual in _USUAL_SEPARATORS}
    likely = max(counts, key=counts.__getitem__)
    if counts[likely] and task.labels is None:
        raise DataError(
            f"label_separator is {separator!r}, which stands in no cell of the column {task.label!r}; {likely!r} "
            f"stands in {counts[likely]:,} of {len(cells):,}. Set label_separator={likely!r}, or labels= where that "
            "is a part of their names."
        )
    return [f"label_separator {separator!r} stands in no cell of the column {task.label!r}: no row has several labels"]


def _split(value: Any, separator: str) -> list[Any]:
    """Return the labels of a cell; an empty one has none."""
    names = [] if value is None else str(value).split(separator)
    return [name for name in map(str.strip, names) if name]


def _list_of_cell(value: Any, row: int) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        return to_list(value)
    except ValueError as error:
        raise DataError(
            f"The label in row {row} (counted from 0) is {value!r}, which is no list: write it as in "
            '["first", "second"] or [0, 1, 0].'
        ) from error


def load_to_evaluate(given: Any, task: ClassificationTask, source: LabelledSource) -> tuple[str, str, Dataset]:
    """Load labelled examples to score a trained model on.

    Args:
        given: as `source_to_evaluate` takes it. Of several splits the one to test on is taken, else the first one that
            the task is validated on.
        task: its columns.
        source: of the recipe.

    Returns:
        The name of the data, the name of the split, and its rows.

    Raises:
        DataError: it cannot be read, has no labels, or lacks a column; or a text is missing, empty or not a string.
    """
    source = source_to_evaluate(given, source)
    tables = open_tables(source.train, TEST, None, source.column_names, source.encoding)
    preferred = (TEST, *task.validation_splits)
    split, rows = next((name for name in preferred if name in tables), TEST), tables.pick_first(*preferred)
    missing = [column for column in label_columns(task) if column not in rows.column_names]
    if missing:
        check_columns(rows, task, split, labelled=False)
        raise DataError(
            f"{tables.source} has no labels to compare with: there is no column "
            f"{' and no column '.join(map(repr, missing))}. Columns: {listed(rows.column_names)}. To label examples "
            "without labels, use predict_file(), or predict RUN FILE --output on the command line."
        )
    check_columns(rows, task, split)
    check_texts(rows, task, split, numbers=True)
    return tables.source, split, rows
