"""Labels as names, whatever type they have in the data."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..data.cells import is_empty_cell

BOOLEANS = ("false", "true")
_NUMBER = re.compile(r"([0-9]+)")
ABSENT, PRESENT = ("0", "false"), ("1", "true")
"""Names of 0 and 1, which tell whether a label applies."""


def label_name(value: Any) -> str | None:
    """Return a label as a name: 1, 1.0 and "1" are the same label, True is "true", an empty cell is None."""
    if is_empty_cell(value):
        return None
    if isinstance(value, bool | np.bool_):
        return BOOLEANS[int(value)]
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    name = str(value).strip()
    if name.endswith(".0") and name[:-2].lstrip("-").isdigit():
        return name[:-2]
    return name.lower() if name.lower() in BOOLEANS else name or None


def sorted_names(names: Iterable[str | None]) -> list[str]:
    """Return each name once, numbers in numerical order, other names by the alphabet with numbers in them by value.

    >>> sorted_names(["10", "9", "-1"]), sorted_names(["level 10", "level 2", "none"])
    (['-1', '9', '10'], ['level 2', 'level 10', 'none'])
    """
    unique = {name for name in names if name is not None}
    if all(name.lstrip("-").isdigit() for name in unique):
        return sorted(unique, key=int)
    return sorted(unique, key=_natural)


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return the key of a name: its texts as they are, its numbers as their length and digits; then the name itself."""
    parts = _NUMBER.split(name)
    numbers = [part.lstrip("0") for part in parts[1::2]]
    return [
        (len(numbers[place // 2]), numbers[place // 2]) if place % 2 else (0, part) for place, part in enumerate(parts)
    ], name
