"""Dividing rows into folds, each of which is scored by a model that is trained on the others."""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ..errors import DataError
from .splits import most_frequent, numbered

_BINS = 10  # of the targets of a regression


def same_text(*columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return what is equal for rows of the same texts, whatever their case and white space.

    >>> same_text(["So  good", "so good"]) == same_text(["so good"] * 2)
    True
    """
    return [tuple(" ".join(text.casefold().split()) for text in texts) for texts in zip(*columns, strict=True)]


def join_groups(texts: Sequence[Hashable], groups: Sequence[Hashable] | None = None) -> np.ndarray:
    """Return which rows must be in one fold, (rows,) int64, numbers from 0: those of one text or of one group.

    A text that several groups have joins these groups.

    Args:
        texts: what identifies the text of each row.
        groups: group of each row; none where every row stands for itself.

    >>> join_groups(["a", "b", "a", "c"]), join_groups(["a", "b", "a", "c"], ["x", "x", "y", "z"])
    (array([0, 1, 0, 2]), array([0, 0, 0, 1]))
    """
    first = numbered(texts)
    if groups is None:
        return first
    second = numbered(groups) + int(first.max(initial=-1)) + 1
    size = int(second.max(initial=-1)) + 1
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(size, size))
    return numbered(connected_components(links, directed=False)[1][first].tolist())


def assign_folds(
    units: np.ndarray, folds: int, strata: np.ndarray, *, unit: str = "example", are_groups: bool = False
) -> np.ndarray:
    """Return the fold of each row, (rows,) int64 from 0; each fold has its share of every stratum.

    The choice depends on nothing but the arguments: the folds are the same whatever the seed of a run.

    Args:
        units: (rows,) int64 from 0, as `join_groups` returns them: rows of one unit are in one fold.
        folds: how many.
        strata: (rows,) int: label of each row.
        unit: name of a unit for the message.
        are_groups: whether units are groups of rows, which may be large, and not single texts.

    Raises:
        DataError: there are fewer units than folds.
    """
    count = int(units.max(initial=-1)) + 1
    if count < folds:
        raise DataError(
            f"{folds} folds need at least as many {unit}s, and the train split has {count}: set folds to {count} or "
            "less, or add data."
        )
    if are_groups:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
        parts = splitter.split(units, _frequent(strata, folds), units)
        assigned = _numbers_of_parts([held_out for _, held_out in parts], len(units))
    else:
        of_units = _frequent(most_frequent(strata, units), folds)
        parts = StratifiedKFold(folds, shuffle=True, random_state=0).split(of_units, of_units)
        assigned = _numbers_of_parts([held_out for _, held_out in parts], count)[units]
    if len(np.unique(assigned)) < folds:
        raise DataError(f"The {count} {unit}s cannot be divided into {folds} folds: their sizes differ too much.")
    return assigned


def _numbers_of_parts(parts: Sequence[np.ndarray], count: int) -> np.ndarray:
    assigned = np.empty(count, np.int64)
    for number, part in enumerate(parts):
        assigned[part] = number
    return assigned


def _frequent(strata: np.ndarray, folds: int) -> np.ndarray:
    """Return the strata with those of fewer members than folds, which cannot be in every fold, made one."""
    values, counts = np.unique(strata, return_counts=True)
    rare = np.isin(strata, values[counts < folds])
    largest = values[counts.argmax()]
    return np.where(rare, values.min() - 1 if rare.sum() >= folds else largest, strata)


def rarest_labels(indicators: np.ndarray) -> np.ndarray:
    """Return the rarest label of each row, (rows,) int64, by which rows with several labels are stratified.

    A rare label is what a division loses first; the idea of iterative stratification (Sechidis et al. 2011).

    Args:
        indicators: (rows, labels) of 0 and 1; a row without a label gets the number of labels.
    """
    present = indicators > 0
    counts = np.where(present, present.sum(0), len(present) + 1)
    return np.where(present.any(1), counts.argmin(1), present.shape[1])


def target_bins(targets: np.ndarray, folds: int) -> np.ndarray:
    """Return the quantile that each target is in, (rows,) int64, of up to ten.

    Args:
        targets: numbers, (rows,).
        folds: each quantile has at least as many rows.
    """
    bins = max(1, min(_BINS, len(targets) // folds))
    ranks = np.empty(len(targets), np.int64)
    ranks[np.argsort(targets, kind="stable")] = np.arange(len(targets))
    return ranks * bins // len(targets)
