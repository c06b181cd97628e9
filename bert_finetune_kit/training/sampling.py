"""The order of examples, a pure function of (seed, epoch)."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from torch.utils.data import Sampler

from ..data.randomness import Stream, stateless_rng


class EpochSampler(Sampler[tuple[int, int, bool]]):
    """Yields every example of an epoch once, in an order that only seed and epoch determine.

    A key is (epoch, index, counts). The epoch travels with the index, so that workers which live on between epochs
    never serve examples of a past one. The last batch is filled up to `multiple_of` keys with examples that do not
    count in the loss: every process gets a whole batch and the gradient stays that of the examples there are.
    """

    def __init__(self, examples: int, seed: int, multiple_of: int = 1) -> None:
        self.examples = examples
        self.seed = seed
        self.multiple_of = multiple_of
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.examples // self.multiple_of) * self.multiple_of

    def __iter__(self) -> Iterator[tuple[int, int, bool]]:
        epoch = self.epoch
        order = stateless_rng(self.seed, epoch, 0, Stream.ORDER).permutation(self.examples)
        for index in order:
            yield epoch, int(index), True
        for place in range(len(self) - self.examples):
            yield epoch, int(order[place % self.examples]), False


def in_order(keys: Iterable[tuple[int, int, bool] | int]) -> float:
    """Return which share of the examples of an epoch is followed by its neighbour in the data.

    Args:
        keys: as a sampler yields them, (epoch, index, counts) or indices alone.

    >>> in_order([(0, 3, True), (0, 4, True), (0, 5, True), (0, 0, True)])
    0.6666666666666666
    """
    order = [key if isinstance(key, int) else key[1] for key in keys]
    pairs = list(pairwise(order))
    return sum(after == before + 1 for before, after in pairs) / max(len(pairs), 1)
