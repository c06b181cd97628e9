"""Rows in memory as users have them, a DataFrame of pandas or a list of dicts → a `Dataset`."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from datasets import Dataset, DatasetDict

from ..errors import DataError
from .files import root_cause


class FoldData(DatasetDict):  # type: ignore[misc]
    """Rows of a fold by split, with the name that messages and reports have of them."""

    def __init__(self, name: str, splits: Mapping[str, Dataset]) -> None:
        super().__init__(splits)
        self.name = name


def as_dataset(given: Any) -> Any:
    """Return a DataFrame or a list of dicts as a `Dataset`, and whatever else is given as it is.

    Raises:
        DataError: the rows are not all dicts, a column has values of several types, or two columns have one name.

    >>> as_dataset([{"text": "kind", "label": 1}, {"text": "rude"}])["label"][:], as_dataset("reviews.csv")
    ([1, None], 'reviews.csv')
    """
    if isinstance(given, pd.DataFrame):
        return _of_frame(given)
    if isinstance(given, list | tuple) and any(isinstance(row, Mapping) for row in given):
        return _of_dicts(given)
    return given


def _of_frame(frame: pd.DataFrame) -> Dataset:
    frame = frame.rename(columns=str)
    names = list(frame.columns)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"The DataFrame has the column {twice!r} twice. Rename or remove one of them.")
    categories = frame.select_dtypes("category").columns  # Arrow stores these as numbers
    try:
        return Dataset.from_pandas(frame.astype(dict.fromkeys(categories, object)), preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _mixed({name: frame[name].tolist() for name in names}, error) from error


def _of_dicts(rows: Sequence[Any]) -> Dataset:
    """Return rows as a table of all of their keys; `Dataset.from_list` would drop those that the first row lacks."""
    wrong = next((number for number, row in enumerate(rows) if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise DataError(
            f"Item {wrong} of the list (counted from 0) is a {type(rows[wrong]).__name__}, and others are dicts: give "
            "a list of dicts, or a list of files."
        )
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {str(name): [none_if_missing(row.get(name)) for row in rows] for name in names}
    try:
        return Dataset.from_dict(columns)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _mixed(columns, error) from error


def none_if_missing(value: Any) -> Any:
    """Return None for a missing value as pandas has them, such as the NaN of an empty cell, and any other as it is."""
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def _mixed(columns: Mapping[str, Sequence[Any]], error: Exception) -> DataError:
    """Return the error for rows that are no table, with the column at fault."""
    for name, values in columns.items():
        try:
            pa.array(values, from_pandas=True)
        except (pa.ArrowException, ValueError, TypeError) as fault:
            kinds = ", ".join(sorted({type(value).__name__ for value in values if value is not None}))
            return DataError(
                f"The column {name!r} of the data in memory has values of several types ({kinds}): "
                f"{root_cause(fault)}. Give it values of one type."
            )
    return DataError(f"The data in memory are no table: {root_cause(error)}.")
