"""The order of examples, a pure function of (seed, epoch), and their batches in it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import seed_worker

from ..data.examples import ExampleKey
from ..data.permutation import random_permutation
from ..data.randomness import Stream, stateless_rng

_PLACES = 4096  # that are read from the order at once


class EpochSampler(Sampler[ExampleKey]):
    """Yields every example of an epoch once, in an order that only seed and epoch determine.

    A key is (epoch, index, in_loss). The epoch travels with the index, so that workers which live on between epochs
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

    def __iter__(self) -> Iterator[ExampleKey]:
        epoch = self.epoch
        order = random_permutation(self.examples, stateless_rng(self.seed, epoch, 0, Stream.ORDER))
        for start in range(0, len(self), _PLACES):
            places = np.arange(start, min(start + _PLACES, len(self)))
            for place, index in zip(places.tolist(), order(places % self.examples).tolist(), strict=True):
                yield epoch, index, place < self.examples


class EpochCallback(TrainerCallback):
    """Tells the sampler which epoch begins, which Accelerate does not when several processes skip batches to resume."""

    def __init__(self) -> None:
        self.sampler: EpochSampler | None = None

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Set the epoch, from 0."""
        if self.sampler is not None:
            self.sampler.set_epoch(int(state.epoch or 0))


def train_loader(
    dataset: Any, sampler: EpochSampler, collate: Callable[[list[Any]], Any], args: TrainingArguments
) -> DataLoader[Any]:
    """Return the batches of an epoch, made by as many workers as the arguments ask for.

    Args:
        dataset: examples by key.
        sampler: keys in order.
        collate: examples → batch.
        args: the Trainer's arguments.
    """
    return DataLoader(
        dataset,
        batch_size=args.train_batch_size,
        sampler=sampler,
        collate_fn=collate,
        num_workers=args.dataloader_num_workers,
        pin_memory=args.dataloader_pin_memory,
        persistent_workers=args.dataloader_persistent_workers,
        prefetch_factor=args.dataloader_prefetch_factor,
        worker_init_fn=partial(seed_worker, num_workers=args.dataloader_num_workers, rank=args.process_index),
    )
