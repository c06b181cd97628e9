"""Where the real tokens of a batch are, known where the batch is made, so that no forward has to ask the device.

A packing is a value of the batch beside its tensors. Like a tensor it has `to` and `pin_memory`, which is all that data
loaders, Accelerate and the Trainer ask of what a batch holds. Its numbers stay on the host: a forward reads sizes from
them, and never from the device.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .attention_parts import Move, Part, plan_attention, to_device

PACKING = "packing"
"""Key of a batch, and argument of the forward of a model."""

_SIZES = 16
"""Numbers of tokens that the batches of one shape can have where the forward is compiled: sixteenths of that shape."""

WHOLE_BATCH = (PACKING, "prediction_positions")
"""Keys of a batch whose values are of all of it: they cannot be joined with those of another batch, or cut."""


@dataclass(frozen=True)
class Packing:
    """Where the real tokens of a batch are, the shortest sequence first.

    It stands for the mask that it was made from, which is not read again: what changes the mask of a batch later, such
    as a `training_step` that drops tokens, takes `packing` out of the batch.
    """

    indices: Tensor
    """(tokens,) int64: index of each real token in the flattened (batch * seq); of a filler batch * seq."""
    parts: tuple[Part, ...]
    """How to attend within the sequences."""
    shape: tuple[int, int]
    """(batch, seq)."""
    has_fillers: bool = False
    """Whether tokens that nothing reads follow the real ones, to make their number one of few."""

    def moved(self, move: Move) -> "Packing":
        """Return the packing with all of its tensors moved."""
        return replace(self, indices=move(self.indices), parts=tuple(part.moved(move) for part in self.parts))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Packing":
        """Return the packing on a device, as `Tensor.to`."""
        if self.indices.device == torch.device(device):
            return self
        return self.moved(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Packing":
        """Return the packing in memory from which a GPU copies while it computes, as `Tensor.pin_memory`."""
        return self.moved(Tensor.pin_memory)


def plan_packing(
    attention_mask: Tensor,
    device: torch.device | str | None = None,
    has_windows: bool = False,
    compiled: bool = False,
) -> Packing | None:
    """Return where the real tokens of a batch are, on the CPU; none if the stock forward must compute it.

    That is where a row begins with padding, since heads read the first token, and where local attention counts padding
    that stands between tokens. A mask that is on a GPU is waited for.

    Args:
        attention_mask: (batch, seq), 0 for padding at any position.
        device: that will compute the batch; none means that of the mask.
        has_windows: whether the encoder has local attention.
        compiled: whether `torch.compile` compiles the forward.
    """
    device = attention_mask.device if device is None else device
    real = attention_mask.cpu() != 0
    if not real[:, 0].all() or (has_windows and (real[:, 1:] > real[:, :-1]).any()):
        return None
    sizes, order = real.sum(1).sort(stable=True)
    rows, columns = real[order].nonzero(as_tuple=True)
    batch, seq = real.shape
    indices, lengths = order[rows] * seq + columns, sizes.tolist()
    if not compiled:
        return Packing(indices, plan_attention(lengths, device), (batch, seq))
    fillers = filler_lengths(len(indices), batch, seq)
    indices = torch.cat([indices, torch.full((sum(fillers),), batch * seq)])
    return Packing(indices, plan_attention(lengths + fillers, device, seq), (batch, seq), has_fillers=True)


def filler_lengths(tokens: int, batch: int, seq: int) -> list[int]:
    """Return the lengths of sequences that make the number of tokens a multiple of a sixteenth of the padded batch.

    Their own number is the same for all batches of a shape: some can be empty.

    Args:
        tokens: real ones.
        batch: sequences.
        seq: padded length of the batch.

    >>> filler_lengths(70, 32, 8)  # up to 80 = 5 / 16 of 32 * 8
    [8, 2]
    """
    step = -(-batch * seq // _SIZES)
    missing = -tokens % step
    return [min(seq, max(0, missing - number * seq)) for number in range(math.ceil(step / seq))]


@torch.compiler.disable  # its sizes are as large as the data require, which torch.compile cannot guard on
def look_at(attention_mask: Tensor, has_windows: bool, compiled: bool) -> Packing | None:
    """As `plan_packing`, on the device of the mask: for batches that come without a packing."""
    packing = plan_packing(attention_mask, has_windows=has_windows, compiled=compiled)
    return None if packing is None else packing.moved(partial(to_device, device=attention_mask.device))


@dataclass(frozen=True)
class PartsCollator:
    """A collator whose batches Accelerate may join and cut into parts, as it does with `dispatch_batches`."""

    collator: Callable[[list[Any]], Mapping[str, Any]]

    def __call__(self, examples: list[Any]) -> dict[str, Any]:
        """Return the batch of `examples`."""
        return {name: value for name, value in self.collator(examples).items() if name not in WHOLE_BATCH}


@dataclass(frozen=True)
class PackingCollator:
    """A collator whose batches hold their `packing`, wherever they are made: in this process or in a worker."""

    collator: Callable[[list[Any]], Mapping[str, Any]]
    """Examples → batch with an `attention_mask`, (batch, seq)."""
    device: torch.device | str
    """That will compute the batches."""
    has_windows: bool = False
    compiled: bool = False

    def __call__(self, examples: list[Any]) -> dict[str, Any]:
        """Return the batch of `examples`."""
        batch = dict(self.collator(examples))
        packing = plan_packing(batch["attention_mask"], self.device, self.has_windows, self.compiled)
        return batch if packing is None else batch | {PACKING: packing}
