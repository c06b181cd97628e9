"""What the text of a cell stands for: true or false, or a list."""

import ast
import json
from typing import Any

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def to_boolean(value: Any) -> bool | None:
    """Return what a value stands for; none for an empty one.

    Raises:
        ValueError: it is neither true nor false.

    >>> [to_boolean(value) for value in (True, "False", "0", 1.0, "")]
    [True, False, False, True, None]
    """
    if value is None or value == "" or value != value:  # the last is NaN
        return None
    name = str(value).strip().lower().removesuffix(".0")
    if name not in _BOOLEANS:
        raise ValueError(f"{value!r} is neither true nor false")
    return _BOOLEANS[name]


def to_list(cell: str) -> list[Any]:
    """Return the list that a cell is, written as JSON or as Python writes it.

    Raises:
        ValueError: it is none.

    >>> to_list('["kind", "rude"]'), to_list("['kind']")
    (['kind', 'rude'], ['kind'])
    """
    try:
        value = json.loads(cell)
    except json.JSONDecodeError:
        try:
            value = ast.literal_eval(cell.strip())
        except (SyntaxError, MemoryError, RecursionError) as error:
            raise ValueError(f"{cell!r} is no list") from error
    if not isinstance(value, list):
        raise ValueError(f"{cell!r} is no list")
    return value
