"""Finite numbers. A report that was read from its file has "nan", "inf" and "-inf" in place of other numbers."""

import math
from typing import TypeGuard

_NON_FINITE_WORDS = ("nan", "inf", "-inf")


def is_finite_number(value: object) -> TypeGuard[float]:
    """Return whether `value` is a finite int or float; a bool is not a number.

    >>> [is_finite_number(value) for value in (3, 0.5, float("nan"), "nan", None, True)]
    [True, True, False, False, False, False]
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def finite_or_none(value: object) -> float | None:
    """Return a finite number as a float, and None for anything else.

    >>> finite_or_none(3), finite_or_none("nan"), finite_or_none(None), finite_or_none(True)
    (3.0, None, None, None)
    """
    return float(value) if is_finite_number(value) else None


def is_non_finite(value: object) -> bool:
    """Return whether `value` is NaN or infinite, as a float or as the word that a report file has for it.

    >>> is_non_finite(float("inf")), is_non_finite("nan"), is_non_finite(1.0), is_non_finite(None)
    (True, True, False, False)
    """
    return value in _NON_FINITE_WORDS or (isinstance(value, float) and not math.isfinite(value))
