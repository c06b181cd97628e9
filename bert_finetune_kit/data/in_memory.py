"""Rows in memory: a DataFrame or a list of dicts as a `Dataset`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
from datasets import Dataset

from ..errors import DataError


def as_dataset(given: Any) -> Any:
    """Return a DataFrame or a list of dicts as a `Dataset`, and anything else as it is.

    Args:
        given: of a list of dicts, each may lack keys that others have; an index of a DataFrame is left out.

    Raises:
        DataError: a column has values of several types, or an item of a list of dicts is none.

    >>> as_dataset([{"text": "a"}, {"text": "b", "label": 1}])["label"][:], as_dataset("reviews.csv")
    ([None, 1], 'reviews.csv')
    """
    is_rows = isinstance(given, list | tuple) and any(isinstance(row, Mapping) for row in given)
    if not is_rows and not isinstance(given, pd.DataFrame):
        return given
    try:
        if isinstance(given, pd.DataFrame):
            return Dataset.from_pandas(given, preserve_index=False)
        return Dataset.from_dict(_columns(given))
    except UnicodeEncodeError as error:
        raise DataError(f"A text contains a lone surrogate (invalid Unicode): {error}. Remove it.") from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        kind = "DataFrame" if isinstance(given, pd.DataFrame) else "list of dicts"
        raise DataError(f"The {kind} has a column whose values are not of one type: {error}") from error


def _columns(rows: Any) -> dict[str, list[Any]]:
    """Return the values by key, None where a row lacks a key."""
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise DataError(f"Item {number} of the list is {row!r}, and others are dicts: give a dict for each row.")
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}
