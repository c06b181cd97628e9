"""Stateless randomness: every draw is a pure function of (seed, epoch, index, stream).

A counter-based generator (Philox; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) can start at
any counter at once. What example `index` looks like in `epoch` therefore needs no replay: any worker or process, and a
run resumed anywhere, draws the same numbers.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """Purpose of a draw. Different streams of an example are independent."""

    ORDER = 0
    DOCUMENT = 1
    PAIR = 2
    MASK = 3
    HELD_OUT = 4


def stateless_rng(seed: int, epoch: int, index: int, stream: Stream) -> np.random.Generator:
    """Return the generator of one (seed, epoch, index, stream).

    >>> stateless_rng(seed=42, epoch=0, index=7, stream=Stream.PAIR).integers(100, size=3)
    array([72, 94, 18])
    """
    bits = np.random.Philox(counter=[0, 0, index, int(stream)], key=[seed, epoch])
    return np.random.Generator(bits)
