"""Dividing rows: holding a share out for validation, and using the first rows alone."""

from collections.abc import Hashable, Sequence

import numpy as np
from datasets import Dataset

from ..errors import DataError
from .randomness import Stream, stateless_rng

TEST = "test"
"""Split to score a trained model on, and the name of one that has no name of its own."""


def hold_out(
    items: int | Sequence[Hashable],
    share: float,
    *,
    unit: str = "example",
    min_items: int = 1,
    strata: Sequence[Hashable] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and the rows held out for validation, both (rows,) int64, ascending.

    The choice depends on nothing but items and strata: the same rows are held out whatever the seed of a run.

    Args:
        items: number of rows; or the group of each row, such as its article, to hold out whole groups.
        share: of the rows or groups to hold out.
        unit: name of a row or group for the message.
        min_items: fewest rows or groups to hold out, and to keep at least one of for training.
        strata: label of each row; of every label about `share` is held out, and of one with few rows none, so that all
            labels can be learned. A group counts as its most frequent label.

    Raises:
        DataError: there are too few.

    >>> hold_out(["a", "a", "b", "c", "b", "d"], 0.25)
    (array([0, 1, 2, 3, 4]), array([5]))
    """
    item_of_row = np.arange(items) if isinstance(items, int) else numbered(items)
    count = int(item_of_row.max(initial=-1)) + 1
    if count <= min_items:
        raise DataError(
            f"There is no validation split, and the train split has {count} {unit}{'s' * (count != 1)}: at least "
            f"{min_items + 1} are needed to hold some of them out. Add data, or give validation."
        )
    wanted = min(max(min_items, round(count * share)), count - 1)
    order = stateless_rng(0, 0, 0, Stream.HELD_OUT).permutation(count)
    strata_of_items = np.zeros(count, np.int64) if strata is None else most_frequent(numbered(strata), item_of_row)
    stratum = numbered(strata_of_items[order].tolist())  # in the order of the draw, which decides between equals
    sizes, by_stratum = np.bincount(stratum), np.argsort(stratum, kind="stable")
    place = np.empty(count, np.int64)  # of each item in its stratum
    place[by_stratum] = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    held_out = np.zeros(count, bool)
    held_out[order] = place < allot(sizes, wanted)[stratum]
    return np.flatnonzero(~held_out[item_of_row]), np.flatnonzero(held_out[item_of_row])


def numbered(values: Sequence[Hashable]) -> np.ndarray:
    """Return each value as a number from 0, in the order in which they come, (values,) int64."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)


def most_frequent(strata: np.ndarray, item_of_row: np.ndarray) -> np.ndarray:
    """Return the most frequent stratum of the rows of each item, (items,) int64; the first one of several."""
    pairs, counts = np.unique(np.stack([item_of_row, strata]), axis=1, return_counts=True)
    best = np.lexsort((-counts, pairs[0]))  # by item, the highest count first
    first = best[np.unique(pairs[0][best], return_index=True)[1]]
    return pairs[1][first]


def allot(sizes: np.ndarray, wanted: int) -> np.ndarray:
    """Return how many of each stratum to hold out: `wanted` together, in proportion to sizes by largest remainders.

    One of each stratum is kept, as far as the others have enough.

    >>> allot(np.array([90, 9, 1]), 10), allot(np.array([1, 1]), 1)
    (array([9, 1, 0]), array([1, 0]))
    """
    exact = sizes * wanted / max(sizes.sum(), 1)
    number = np.minimum(np.floor(exact).astype(np.int64), np.maximum(sizes - 1, 0))
    order = np.argsort(number - exact, kind="stable")
    for bound in (sizes - 1, sizes):
        while number.sum() < wanted and (free := [place for place in order if number[place] < bound[place]]):
            for place in free[: wanted - int(number.sum())]:
                number[place] += 1
    return number


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
