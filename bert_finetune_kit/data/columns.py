"""Columns that are not there, or cannot be used: the words of the errors."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from datasets import Dataset

from ..errors import DataError

_UNUSABLE = "values of several types "
_KINDS = {"large_string": "string"}


def did_you_mean(column: str, columns: Sequence[str]) -> str:
    """Return the question after a misspelt name, in brackets with a space before it; nothing without a similar one.

    >>> did_you_mean("reviw", ["review", "stars"]), did_you_mean("x", ["review"])
    (" (did you mean 'review'?)", '')
    >>> did_you_mean("review", [" Review Text", "Stars "])
    " (did you mean ' Review Text'?)"
    """
    names = {name.strip().casefold(): name for name in reversed(columns)}
    similar = get_close_matches(column.strip().casefold(), names, n=1, cutoff=0.7)
    return f" (did you mean {names[similar[0]]!r}?)" if similar else ""


def listed(columns: Iterable[str]) -> str:
    """Return the names of columns for a message, those in quotes whose limits would not be seen.

    >>> print(listed(["id", " Review Text", "a, b"]))
    id, ' Review Text', 'a, b'
    """
    return ", ".join(repr(name) if name != name.strip() or "," in name or not name else name for name in columns)


def with_kinds(rows: Dataset) -> str:
    """Return the names of the columns of a table for a message, with what each contains."""
    kinds = [getattr(kind, "dtype", "list") for kind in rows.features.values()]
    names = [listed([name]) for name in rows.column_names]
    return ", ".join(f"{name} ({_KINDS.get(kind, kind)})" for name, kind in zip(names, kinds, strict=True))


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
