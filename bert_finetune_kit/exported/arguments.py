"""What is given to an exported model, checked before it computes: counts, tables, settings that it does not have."""

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

from ..errors import DataError, raise_faults

NOT_HERE = {
    "device": "it runs on the CPU, and predict() of the recipe on any device: from_pretrained(RUN).predict(...)"
}
"""Why an exported model has no such setting, by its name."""


def count_faults(counts: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with numbers of things, of which at least one is needed.

    >>> count_faults({"batch_size": 1.5, "threads": 2})
    ['batch_size is 1.5: a whole number from 1 up is needed']
    """
    return [
        f"{name} is {value!r}: a whole number from 1 up is needed"
        for name, value in counts.items()
        if not _is_count(value)
    ]


def _is_count(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and index(value) >= 1
    except TypeError:
        return False


def check_counts(**counts: Any) -> None:
    """Check numbers of things that are given to the `predict` of an exported model.

    Raises:
        ConfigError: a number is none.
    """
    raise_faults(count_faults(counts), "predict() of an exported model")


def rows_of(inputs: Any) -> Any:
    """Return the rows of a table of pandas or polars as dicts by column; anything else as it is.

    Raises:
        DataError: it is a table of another library, whose rows cannot be read.
    """
    if not hasattr(inputs, "columns"):
        return inputs
    if hasattr(inputs, "to_dicts"):  # of polars
        return inputs.to_dicts()
    try:
        return inputs.to_dict("records")  # of pandas
    except (AttributeError, TypeError) as error:
        raise DataError(
            f"predict() of an exported model does not accept a {type(inputs).__name__}: give texts, or a list of dicts."
        ) from error


def cells_of(row: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    """Return the values of some columns of a row.

    Raises:
        DataError: the row lacks one.
    """
    missing = [column for column in columns if column not in row]
    if missing:
        raise DataError(f"A row has no column {missing[0]!r}. Columns: {', '.join(map(str, row))}.")
    return [row[column] for column in columns]
