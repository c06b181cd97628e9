"""Labels as names, whatever type they have in the data."""

from collections.abc import Iterable
from typing import Any

import numpy as np

BOOLEANS = ("false", "true")
ABSENT, PRESENT = ("0", "false"), ("1", "true")
"""Names of 0 and 1, which tell whether a label applies."""


def label_name(value: Any) -> str | None:
    """Return a label as a name: 1, 1.0 and "1" are the same label, True is "true", an empty cell is None."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
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
    """Return each name once, numbers in numerical order, other names in alphabetical order."""
    unique = {name for name in names if name is not None}
    if all(name.lstrip("-").isdigit() for name in unique):
        return sorted(unique, key=int)
    return sorted(unique)
