"""Texts that stand in two splits."""

from collections.abc import Iterable
from typing import Any

import numpy as np


def shared_texts(train: Iterable[bytes], validation: Iterable[bytes], what: str) -> dict[str, Any]:
    """Return how many texts of one split stand in another: `count`, `of` (all), `share` and `what` they are.

    Texts are compared by a hash of 64 bits, and only those of the validation split are kept in memory.

    Args:
        train: texts as bytes, such as their token ids, read as a stream.
        validation: the same of the other split.
        what: name of the texts.

    >>> shared_texts([b"a", b"b"], [b"b", b"c", b"b", b"d"], "texts")
    {'count': 2, 'of': 4, 'share': 0.5, 'what': 'texts'}
    """
    held_out = [hash(text) for text in validation]
    wanted = set(held_out)
    found = {one for text in train if (one := hash(text)) in wanted}
    count = sum(one in found for one in held_out)
    return {"count": count, "of": len(held_out), "share": count / max(len(held_out), 1), "what": what}


def label_runs(labels: np.ndarray) -> dict[str, float]:
    """Return how many runs of equal neighbours a row of labels has, beside how many it would have in random order.

    The runs test of Wald and Wolfowitz (1940), for any number of labels (Barton and David 1957).

    Args:
        labels: ids, (examples,).

    Returns:
        `runs`, `expected`, and `z`: by how many standard deviations they differ, far below 0 where labels are sorted.

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
