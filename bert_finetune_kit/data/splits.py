"""Dividing rows: holding a share out for validation, and using the first rows alone."""

from collections.abc import Hashable, Sequence

import numpy as np
from datasets import Dataset

from ..errors import DataError
from .randomness import Stream, stateless_rng

TEST = "test"
"""Split to score a trained model on, and the name of one that has no name of its own."""


def hold_out(
    items: int | Sequence[Hashable], share: float, *, unit: str = "example", min_items: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and the rows held out for validation, both (rows,) int64, ascending.

    The choice depends on nothing but the number of items: the same rows are held out whatever the seed of a run.

    Args:
        items: number of rows; or the group of each row, such as its article, to hold out whole groups.
        share: of the rows or groups to hold out.
        unit: name of a row or group for the message.
        min_items: fewest rows or groups to hold out, and to keep at least one of for training.

    Raises:
        DataError: there are too few.

    >>> hold_out(["a", "a", "b", "c", "b", "d"], 0.25)
    (array([0, 1, 2, 3, 4]), array([5]))
    """
    if isinstance(items, int):
        item_of_row, count = np.arange(items), items
    else:
        numbers: dict[Hashable, int] = {}
        item_of_row = np.array([numbers.setdefault(item, len(numbers)) for item in items], np.int64)
        count = len(numbers)
    if count <= min_items:
        raise DataError(
            f"There is no validation split, and the train split has {count} {unit}{'s' * (count != 1)}: at least "
            f"{min_items + 1} are needed to hold some of them out. Add data, or give validation."
        )
    wanted = min(max(min_items, round(count * share)), count - 1)
    held_out = np.zeros(count, bool)
    held_out[stateless_rng(0, 0, 0, Stream.HELD_OUT).permutation(count)[:wanted]] = True
    return np.flatnonzero(~held_out[item_of_row]), np.flatnonzero(held_out[item_of_row])


def held_out_note(held_out: int, total: int, unit: str, more: str = "") -> str:
    """Return the note of a report on what `hold_out` did.

    >>> held_out_note(4, 40, "article", "8 questions")
    'no validation split: 4 of 40 articles (8 questions) are held out, the same ones for every seed'
    """
    detail = f" ({more})" if more else ""
    return f"no validation split: {held_out:,} of {total:,} {unit}s{detail} are held out, the same ones for every seed"


def limit(rows: Dataset, count: int | None) -> Dataset:
    """Return the first `count` rows; all of them where `count` is none."""
    return rows if count is None else rows.take(min(count, len(rows)))
