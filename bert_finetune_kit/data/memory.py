"""Rows in memory as users have them: a DataFrame, a list of dicts, a dict of columns or of splits → a `Dataset`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from datasets import Dataset, DatasetDict, concatenate_datasets

from ..errors import DataError
from .columns import unusable
from .files import root_cause


class FoldData(DatasetDict):  # type: ignore[misc]
    """Rows of a fold by split, with the name that messages and reports have of them."""

    def __init__(self, name: str, splits: Mapping[str, Dataset]) -> None:
        super().__init__(splits)
        self.name = name


def as_dataset(given: Any) -> Any:
    """Return rows in memory as a `Dataset`, and whatever else is given as it is.

    A column whose values have several types is kept as one that `check_usable` refuses: nothing is wrong as long as
    nobody names it.

    Args:
        given: a DataFrame, a list of dicts, or a dict of columns; or a dict of splits, each of these, a `Dataset` or a
            path, which becomes a dict of these.

    Raises:
        DataError: the rows are not all dicts, columns have several lengths, or two columns have one name.

    >>> as_dataset([{"text": "kind", "label": 1}, {"text": "rude"}])["label"][:], as_dataset("reviews.csv")
    ([1, None], 'reviews.csv')
    >>> as_dataset({"text": ["kind", "rude"], "label": [1, 0]})["label"][:]
    [1, 0]
    """
    if isinstance(given, pd.DataFrame):
        return _of_frame(given)
    if isinstance(given, list | tuple) and any(isinstance(row, Mapping) for row in given):
        return _of_dicts(given)
    if isinstance(given, Mapping) and not isinstance(given, DatasetDict):
        return _of_mapping(given)
    return given


def check_named(given: Any) -> None:
    """Check that a list does not hold rows without names of columns, as pairs of a text and a label are.

    Raises:
        DataError: it does; the message has the forms that can be given.
    """
    if not isinstance(given, list | tuple):
        return
    wrong = next((row for row in given if isinstance(row, list | tuple)), None)
    if wrong is not None:
        raise DataError(
            f"The data are a list of {type(wrong).__name__}s, which do not name their columns. Give a list of dicts, "
            'as in [{"text": text, "label": label} for text, label in rows], or a dict of columns, as in '
            '{"text": texts, "label": labels}.'
        )


def _of_frame(frame: pd.DataFrame) -> Dataset:
    frame = frame.rename(columns=str)
    names = list(frame.columns)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"The DataFrame has the column {twice!r} twice. Rename or remove one of them.")
    categories = frame.select_dtypes("category").columns  # Arrow stores these as numbers
    frame = frame.astype(dict.fromkeys(categories, object))
    try:
        return Dataset.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError):
        return concatenate_datasets([_column_of_frame(frame, name) for name in names], axis=1)


def _column_of_frame(frame: pd.DataFrame, name: str) -> Dataset:
    try:
        return Dataset.from_pandas(frame[[name]], preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        return Dataset.from_dict({name: _unusable(frame[name].tolist(), error)})


def _of_dicts(rows: Sequence[Any]) -> Dataset:
    """Return rows as a table of all of their keys; `Dataset.from_list` would drop those that the first row lacks."""
    wrong = next((number for number, row in enumerate(rows) if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise DataError(
            f"Item {wrong} of the list (counted from 0) is a {type(rows[wrong]).__name__}, and others are dicts: give "
            "a list of dicts, or a list of files."
        )
    names = dict.fromkeys(name for row in rows for name in row)
    return _of_columns({str(name): [none_if_missing(row.get(name)) for row in rows] for name in names})


def _of_mapping(given: Mapping[Any, Any]) -> Any:
    """Return a dict of columns as a `Dataset`, and one of splits as a `DatasetDict`, or a dict where some are paths.

    Of an object with its rows under `data`, such as `json.load` returns of SQuAD's files, these are the rows.
    """
    if not given:
        raise DataError("The data are an empty dict: give a dict of columns, or of splits.")
    if _is_split(given.get("data")) and not all(map(_is_split, given.values())):
        return as_dataset(given["data"])
    if all(_is_split(rows) or isinstance(rows, str | Path) for rows in given.values()):
        splits = {str(name): as_dataset(rows) for name, rows in given.items()}
        return DatasetDict(splits) if all(isinstance(rows, Dataset) for rows in splits.values()) else splits
    columns = {str(name): _values(values) for name, values in given.items()}
    wrong = next((name for name, values in columns.items() if values is None), None)
    if wrong is not None:
        raise DataError(
            f"The data are a dict, and {wrong!r} in it is of type {type(given[wrong]).__name__}. Give a dict of "
            'columns, as in {"text": texts, "label": labels}, or of splits, as in {"train": rows, "validation": rows}.'
        )
    lengths = {name: len(values or ()) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise DataError(f"The data are a dict of columns of several lengths ({listed}): each row needs all of them.")
    return _of_columns({name: [none_if_missing(value) for value in values or ()] for name, values in columns.items()})


def _is_split(given: Any) -> bool:
    if isinstance(given, Dataset | pd.DataFrame | Mapping):
        return True
    return isinstance(given, list | tuple) and len(given) > 0 and all(isinstance(row, Mapping) for row in given)


def _values(given: Any) -> list[Any] | None:
    """Return the values of a column that is a list, a tuple, an array, a Series or a column of a `Dataset`."""
    if isinstance(given, str | bytes | Mapping) or not hasattr(given, "__getitem__"):
        return None
    return given.tolist() if hasattr(given, "tolist") else list(given)


def none_if_missing(value: Any) -> Any:
    """Return None for a missing value as pandas has them, such as the NaN of an empty cell, and any other as it is."""
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def _of_columns(columns: Mapping[str, list[Any]]) -> Dataset:
    """Return columns as a table, those that are none as columns that nobody can use."""
    try:
        return Dataset.from_dict(dict(columns))
    except (pa.ArrowException, ValueError, TypeError):
        return Dataset.from_dict({name: _usable(values) for name, values in columns.items()})


def _usable(values: list[Any]) -> list[Any]:
    try:
        Dataset.from_dict({"column": values})
    except (pa.ArrowException, ValueError, TypeError) as error:
        return _unusable(values, error)
    return values


def _unusable(values: list[Any], error: Exception) -> list[Any]:
    kinds = ", ".join(sorted({type(value).__name__ for value in values if value is not None}))
    return unusable(f"({kinds}): {root_cause(error)}", len(values))
