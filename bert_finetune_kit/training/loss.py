"""Losses that do not depend on how a batch is split."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..contract import Batch


@dataclass(frozen=True)
class Loss:
    """A loss of one or more terms, each the mean over its own items of the whole effective batch.

    `Trainer` averages the means of micro-batches, which weighs a token by the batch it is in; and for BERT's heads it
    takes their sum. Here each term is summed, and divided once by the number of its items in all micro-batches of all
    processes: 16 × 1, 4 × 4 and 2 processes × 8 give the same gradient.
    """

    sum_fn: Callable[[Any], dict[str, Tensor]]
    """Output of the model → summed loss by term."""
    num_items_fn: Callable[[Batch], dict[str, Tensor]]
    """Batch → number of items by term."""
