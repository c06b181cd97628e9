"""The protocol of map-style examples: what the Trainer's data loader asks a recipe's data set for."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

ExampleKey = tuple[int, int, bool]
"""(epoch, index, in_loss): which example, as it looks in which epoch, and whether it contributes to the loss."""

Key = int | ExampleKey
"""An index alone means (0, index, True)."""


class Examples(Protocol):
    """Examples of a split, stored or computed when they are asked for.

    What example `index` looks like in an epoch is a function of the key alone, so that any worker or process gets the
    same one. The epoch is part of the key because workers outlive epochs. A sampler for several processes fills its
    last batch with examples whose `in_loss` is false: every process gets a whole batch, and loss and gradient are those
    of the examples there are.
    """

    def __len__(self) -> int:
        """Return the number of examples of an epoch."""

    def __getitem__(self, key: Key) -> Mapping[str, Any]:
        """Return one example as the slice's collator expects it, with the `in_loss` of the key.

        Raises:
            IndexError: there is no example of this index.
        """


def split_key(key: Key) -> ExampleKey:
    """Return a key in full.

    >>> split_key(7), split_key((2, 7, False))
    ((0, 7, True), (2, 7, False))
    """
    return (0, int(key), True) if isinstance(key, int | np.integer) else key
