"""The order of examples: a random permutation that can be read at any place."""

from collections.abc import Callable
from functools import partial

import numpy as np

Permutation = Callable[[np.ndarray], np.ndarray]
"""Places, int64 → what stands there, int64."""

_LISTED = 2**23  # up to so many, the whole order is drawn, which takes 64 MiB
_ROUNDS = 8


def random_permutation(count: int, rng: np.random.Generator) -> Permutation:
    """Return a random order of 0 to count - 1, in memory that does not grow with `count`.

    Up to 8 million, each order is equally likely. A longer one is computed place by place: a Feistel network (Luby and
    Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", 1988) permutes the numbers of
    the next even number of bits, and is applied again where the result is too large (cycle walking; Black and Rogaway,
    "Ciphers with arbitrary finite domains", 2002).

    Args:
        count: at least 1.
        rng: random numbers, of which a short order takes `count` and a long one a few.

    >>> order = random_permutation(5, np.random.default_rng(0))
    >>> sorted(order(np.arange(5)).tolist())
    [0, 1, 2, 3, 4]
    """
    if count <= _LISTED:
        return rng.permutation(count).__getitem__
    return partial(_walk, count, rng.integers(2**64, size=_ROUNDS, dtype=np.uint64))


def _walk(count: int, keys: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Apply the network to each place until the result is below `count`; fewer than four times on average."""
    half = np.uint64(-(-(count - 1).bit_length() // 2))
    results = places.astype(np.uint64)
    pending = np.arange(len(results))
    while len(pending):
        results[pending] = _feistel(results[pending], half, keys)
        pending = pending[results[pending] >= count]
    return results.astype(np.int64)


def _feistel(values: np.ndarray, half: np.uint64, keys: np.ndarray) -> np.ndarray:
    """Permute the numbers below 2 ** (2 * half)."""
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = values >> half, values & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right ^ key) & mask)
    return left << half | right


def _mixed(values: np.ndarray) -> np.ndarray:
    """Mix the bits of each number (the finalizer of SplitMix64; Steele, Lea and Flood 2014)."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)
