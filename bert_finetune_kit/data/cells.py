"""What a cell stands for: nothing, or as a text true or false, a list, or a number."""

import ast
import json
import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")
_THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2},\d{3}\s*")

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_OF_PANDAS = ("NAType", "NaTType")  # pandas is not imported for them, which an exported model does without


def is_empty_cell(value: Any) -> bool:
    """Return whether a value is None, or what an empty cell is in numpy and pandas: NaN, NA, NaT.

    >>> [is_empty_cell(value) for value in (None, float("nan"), "", "nan", 0)]
    [True, True, False, False, False]
    """
    return value is None or (isinstance(value, Real) and value != value) or type(value).__name__ in _OF_PANDAS


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


def with_decimal_points(values: Sequence[Any]) -> Sequence[Any]:
    """Return numbers that are written with a decimal comma with a decimal point.

    They are where every value with a comma has that form, at least one of them cannot be a number of thousands, and no
    value has a point; otherwise all values are returned as they are.

    >>> with_decimal_points(["2,5", "3", "1,250"]), with_decimal_points(["1,250"]), with_decimal_points(["2,5", "2.5"])
    (['2.5', '3', '1.250'], ['1,250'], ['2,5', '2.5'])
    """
    texts = [value for value in values if isinstance(value, str)]
    with_comma = [text for text in texts if "," in text]
    if any("." in text for text in texts) or not all(map(_DECIMAL_COMMA.fullmatch, with_comma)):
        return values
    if all(map(_THOUSANDS.fullmatch, with_comma)):
        return values
    return [value.replace(",", ".") if isinstance(value, str) else value for value in values]
