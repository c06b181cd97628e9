"""Checks of splits that a diagnosis reads: texts that two splits share, and labels in sorted order."""

from collections.abc import Iterable
from typing import TypedDict

import numpy as np


class SharedTexts(TypedDict):
    """Texts of a validation split that are in the train split, too."""

    count: int
    of: int
    """All texts of the validation split."""
    share: float
    what: str
    """Name of the texts."""


def shared_texts(train: Iterable[bytes], validation: Iterable[bytes], what: str) -> SharedTexts:
    """Count the texts of the validation split that are in the train split, too.

    Texts are compared by a hash of 64 bits, and only those of the validation split are kept in memory.

    Args:
        train: texts as bytes, such as their token ids, read as a stream.
        validation: the same of the validation split.
        what: name of the texts.

    >>> shared_texts([b"a", b"b"], [b"b", b"c", b"b", b"d"], "texts")
    {'count': 2, 'of': 4, 'share': 0.5, 'what': 'texts'}
    """
    hashes = [hash(text) for text in validation]
    shared = set(hashes).intersection(map(hash, train))
    count = sum(value in shared for value in hashes)
    return {"count": count, "of": len(hashes), "share": count / max(len(hashes), 1), "what": what}


class LabelRuns(TypedDict):
    """Runs of equal neighbours in a row of labels."""

    runs: int
    expected: float
    """Runs in random order."""
    z: float
    """Difference in standard deviations, far below 0 where labels are sorted."""


def label_runs(labels: np.ndarray) -> LabelRuns:
    """Count the runs of equal neighbours, and compute how many a random order would have.

    The runs test of Wald and Wolfowitz (1940), for any number of labels (Barton and David 1957).

    Args:
        labels: ids, (examples,).

    >>> label_runs(np.array([0] * 50 + [1] * 50))
    {'runs': 2, 'expected': 51.0, 'z': -9.85}
    """
    n, counts = float(len(labels)), np.bincount(labels).astype(float)
    runs = 1 + int((np.diff(labels) != 0).sum())
    squares, cubes = float((counts**2).sum()), float((counts**3).sum())
    expected = (n * (n + 1) - squares) / n
    variance = (squares * (squares + n * (n + 1)) - 2 * n * cubes - n**3) / (n**2 * (n - 1)) if n > 1 else 0.0
    z = (runs - expected) / variance**0.5 if variance > 0 else 0.0
    return {"runs": runs, "expected": expected, "z": round(z, 2)}
