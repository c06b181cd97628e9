"""Columns that are not there, or cannot be used: the words of the errors."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from datasets import Dataset

from ..errors import DataError

_UNUSABLE = "values of several types "


def did_you_mean(column: str, columns: Sequence[str]) -> str:
    """Return the question after a misspelt name, in brackets with a space before it; nothing without a similar one.

    >>> did_you_mean("reviw", ["review", "stars"]), did_you_mean("x", ["review"])
    (" (did you mean 'review'?)", '')
    """
    similar = get_close_matches(column, columns, n=1, cutoff=0.7)
    return f" (did you mean {similar[0]!r}?)" if similar else ""


def column_advice(columns: Iterable[str], advice: str) -> str:
    """Return what to do where a column of text is missing; where a table has token ids in place of text, that.

    Args:
        columns: of the table.
        advice: for any other table.

    >>> column_advice(["review"], "Set text=."), column_advice(["input_ids"], "Set text=.")[:34]
    ('Set text=.', 'The data are already tokenized (in')
    """
    if "input_ids" not in columns:
        return advice
    return (
        "The data are already tokenized (input_ids). Give the text itself: it is tokenized once, with the tokenizer "
        "of the model, and cached. Columns beside it do no harm, so map() needs no remove_columns."
    )


def unusable(reason: str, count: int) -> list[Any]:
    """Return what stands for the values of a column that no table can hold.

    Its type, an object with one key, has the reason: so it goes wherever the table does.

    Args:
        reason: types of the values, and the error that they caused.
        count: number of the values.
    """
    return [{_UNUSABLE + reason: None}] * count


def check_usable(rows: Dataset, columns: Iterable[str]) -> None:
    """Check that columns that are named have values of one type.

    Args:
        rows: a table.
        columns: that are to be read; those that it does not have are not looked at.

    Raises:
        DataError: one has not.
    """
    for column in columns:
        kind = rows.features.get(column)
        reason = next(iter(kind), "") if isinstance(kind, Mapping) else ""
        if reason.startswith(_UNUSABLE):
            raise DataError(f"The column {column!r} of the data in memory has {reason}. Give it values of one type.")
