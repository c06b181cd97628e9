"""Examples that belong together, such as those of one author: no group is to stand on both sides of a split."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from datasets import Dataset

from ..errors import DataError
from .columns import check_usable, did_you_mean, listed


def group_values(rows: Dataset, column: str, split: str) -> list[Hashable]:
    """Return the group of each row.

    Args:
        rows: the split.
        column: that names the group.
        split: name of the split.

    Raises:
        DataError: there is no such column, or a row has no group.
    """
    if column not in rows.column_names:
        hint = did_you_mean(column, rows.column_names)
        raise DataError(
            f"The {split} split has no column {column!r} for the group{hint}. Columns: {listed(rows.column_names)}. "
            "Set group= to one of them."
        )
    check_usable(rows, [column])
    values = rows[column][:]
    missing = next((row for row, value in enumerate(values) if value is None), None)
    if missing is not None:
        raise DataError(
            f"Row {missing} (counted from 0) of the {split} split has no group in the column {column!r}: give it one, "
            "of its own if it belongs to no other."
        )
    return [value if isinstance(value, Hashable) else str(value) for value in values]


def shared_groups(train: Dataset, validation: Mapping[str, Dataset], column: str) -> list[str]:
    """Return a note for each validation split with groups that are in the train split, too.

    Raises:
        DataError: as `group_values`.
    """
    known, notes = set(group_values(train, column, "train")), []
    for split, rows in validation.items():
        groups = set(group_values(rows, column, split))
        shared = groups & known
        if shared:
            counted = f"{len(shared):,} of {len(groups):,} groups ({column}) of the {split} split"
            notes.append(f"{counted} are in train, too")
    return notes


def half_of_groups(groups: Sequence[str]) -> np.ndarray:
    """Return which examples are in the first half, (examples,) bool: whole groups, the same in every run.

    Args:
        groups: name of the group of each example. The order of the examples does not matter.
    """
    numbers = np.unique(np.array(groups, object).astype(str), return_inverse=True)[1]
    sizes = np.bincount(numbers)
    order = np.random.default_rng(0).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    chosen = np.zeros(len(sizes), bool)
    filled = [0, 0]
    for group in order:
        half = int(filled[1] < filled[0])
        filled[half] += int(sizes[group])
        chosen[group] = half == 0
    return chosen[numbers]
