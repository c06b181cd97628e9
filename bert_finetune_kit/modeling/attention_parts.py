"""How the attention of sequences that are concatenated in one row is divided into calls.

On CPUs short sequences share blocks of one width, in which a mask separates them, and longer sequences of equal length
share a call. On GPUs all sequences share one call: of a kernel for variable lengths, or, where there is none, in blocks
as wide as the longest of them, since a call costs more than the padding in it. A window lets a token attend to its
sequence up to that many tokens before and after it.
Shapes: tokens is the number of real tokens of a batch, head_dim the size of an attention head.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

Move = Callable[[Tensor], Tensor]
"""A tensor → the same values elsewhere, such as on another device."""

# Width of the blocks of short sequences, of which at least two fit into one. Small matrix products cost more by their
# number than by their size.
BLOCK_WIDTH = 64
_GPU_MULTIPLE = 8  # widths of blocks on GPUs, whose kernels load this many numbers at once


@dataclass(frozen=True)
class Group:
    """Consecutive sequences of one length."""

    count: int
    length: int

    @property
    def tokens(self) -> int:
        """Tokens of all sequences."""
        return self.count * self.length

    @property
    def max_seqlen(self) -> int:
        """Tokens of the longest sequence."""
        return self.length

    def moved(self, move: Move) -> "Group":
        """Return the group, which has no tensors."""
        return self

    @cached_property
    def _masks(self) -> dict[int, Tensor]:
        return {}

    def mask(self, window: int | None = None) -> Tensor | None:
        """(1, 1, length, length) bool: which tokens attend to which; None if each attends to all of its sequence.

        On the CPU, where there are groups. Cached, as layers share it.
        """
        if window is None or window >= self.length - 1:
            return None
        if window not in self._masks:
            self._masks[window] = _near(self.length, window)[None, None]
        return self._masks[window]

    def pack(self, states: Tensor) -> Tensor:
        """(tokens, heads, head_dim) → (count * heads, length, head_dim)."""
        return states.unflatten(0, (self.count, self.length)).transpose(1, 2).flatten(0, 1)

    def unpack(self, states: Tensor) -> Tensor:
        """(count * heads, length, head_dim) → (tokens, heads, head_dim)."""
        return states.unflatten(0, (self.count, -1)).transpose(1, 2).flatten(0, 1)


@dataclass(frozen=True)
class Blocks:
    """Consecutive sequences in blocks of one width; a block holds whole sequences and is padded at its end."""

    indices: Tensor
    """(blocks * width,) int64: token of each slot; the last token for padding."""
    slots: Tensor
    """(tokens,) int64: slot of each token."""
    sequence_ids: Tensor
    """(blocks, width) int64: number of the sequence of each slot; -1 for padding, which attends to itself alone."""
    max_seqlen: int
    """Tokens of the longest sequence."""

    @property
    def count(self) -> int:
        """Number of blocks."""
        return len(self.sequence_ids)

    @property
    def tokens(self) -> int:
        """Tokens of all sequences."""
        return len(self.slots)

    def moved(self, move: Move) -> "Blocks":
        """Return the blocks with their tensors moved."""
        tensors = {name: move(getattr(self, name)) for name in ("indices", "slots", "sequence_ids")}
        return replace(self, **tensors)  # type: ignore[arg-type]

    @cached_property
    def _masks(self) -> dict[int | None, Tensor]:
        return {}

    def mask(self, window: int | None = None) -> Tensor:
        """(blocks, 1, width, width) bool: which slots attend to which. Cached, as layers share it."""
        if torch.compiler.is_compiling():  # what is computed twice is found by the compiler
            return self._mask(window)
        if window is not None and window >= self.max_seqlen - 1:
            window = None
        if window not in self._masks:
            self._masks[window] = self._mask(window)
        return self._masks[window]

    def _mask(self, window: int | None) -> Tensor:
        mask = (self.sequence_ids.unsqueeze(2) == self.sequence_ids.unsqueeze(1)).unsqueeze(1)
        if window is None:
            return mask
        return mask & _near(mask.shape[-1], window, mask.device)  # tokens of a sequence stand side by side

    def pack(self, states: Tensor) -> Tensor:
        """(tokens, heads, head_dim) → (blocks * heads, width, head_dim); padding repeats the last token."""
        packed = states.index_select(0, self.indices).unflatten(0, self.sequence_ids.shape)
        return packed.transpose(1, 2).flatten(0, 1)

    def unpack(self, states: Tensor) -> Tensor:
        """(blocks * heads, width, head_dim) → (tokens, heads, head_dim)."""
        return states.unflatten(0, (self.count, -1)).transpose(1, 2).flatten(0, 1).index_select(0, self.slots)


@dataclass(frozen=True)
class Sequences:
    """All sequences of a batch on a GPU."""

    lengths: tuple[int, ...]
    """Tokens of each sequence."""
    cu_seqlens: Tensor
    """(sequences + 1,) int32: first token of each sequence, and end of the last."""
    max_seqlen: int
    """Tokens of the longest sequence, or more."""
    given_blocks: Blocks | None = None
    """The sequences in blocks, where `torch.compile` could not divide them."""

    @property
    def tokens(self) -> int:
        """Tokens of all sequences."""
        return sum(self.lengths)

    def moved(self, move: Move) -> "Sequences":
        """Return the sequences with their tensors moved."""
        blocks = None if self.given_blocks is None else self.given_blocks.moved(move)
        return replace(self, cu_seqlens=move(self.cu_seqlens), given_blocks=blocks)

    @cached_property
    def _own_blocks(self) -> Blocks:
        return wide_blocks(self.lengths).moved(partial(to_device, device=self.cu_seqlens.device))

    @property
    def blocks(self) -> Blocks:
        """The sequences in blocks as wide as the longest. Divided once, as layers share them."""
        return self._own_blocks if self.given_blocks is None else self.given_blocks


Part = Group | Blocks | Sequences


def plan_attention(
    lengths: Sequence[int], device: torch.device | str = "cpu", compiled_width: int | None = None
) -> tuple[Part, ...]:
    """Return how to divide the attention of concatenated sequences into calls; its tensors are on the CPU.

    Args:
        lengths: tokens of each sequence, ascending.
        device: that will compute it.
        compiled_width: padded length of the batch where `torch.compile` compiles it, for which the number of calls and
            the length of a sequence must not depend on the lengths; none where it does not.
    """
    if torch.device(device).type != "cpu":
        cu_seqlens = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
        blocks = None if compiled_width is None else wide_blocks(lengths)
        return (Sequences(tuple(lengths), cu_seqlens, compiled_width or max(lengths), blocks),)
    if compiled_width is not None:
        return (wide_blocks(lengths),)
    short = [length for length in lengths if length <= BLOCK_WIDTH // 2]
    parts: list[Part] = []
    if len(set(short)) > 1:
        parts.append(build_blocks(short, BLOCK_WIDTH))
        lengths = lengths[len(short) :]
    for length in dict.fromkeys(lengths):
        parts.append(Group(lengths.count(length), length))
    return tuple(parts)


@torch.compiler.disable  # a loop over lengths, which would be another graph for each batch
def wide_blocks(lengths: Sequence[int]) -> Blocks:
    """Return blocks as wide as the longest of concatenated sequences, for devices on which a call costs most."""
    return build_blocks(lengths, max(BLOCK_WIDTH, -(-max(lengths) // _GPU_MULTIPLE) * _GPU_MULTIPLE))


def build_blocks(lengths: Sequence[int], width: int) -> Blocks:
    """Return blocks for concatenated sequences, each filled with as many sequences as fit in their order.

    Args:
        lengths: tokens of each sequence, at most `width`.
        width: of a block.
    """
    block_of, used = [0], lengths[0]
    for length in lengths[1:]:
        fits = used + length <= width
        block_of.append(block_of[-1] + (not fits))
        used = used + length if fits else length
    sequence = np.repeat(np.arange(len(lengths)), lengths)  # (tokens,)
    block = np.array(block_of)[sequence]  # (tokens,)
    first_token = np.searchsorted(block, np.arange(block_of[-1] + 1))  # (blocks,)
    slots = block * width + np.arange(len(sequence)) - first_token[block]
    indices = np.full((block_of[-1] + 1) * width, len(sequence) - 1)
    indices[slots] = np.arange(len(sequence))
    sequence_ids = np.full_like(indices, -1)
    sequence_ids[slots] = sequence
    # Not from_numpy, which fake tensors (torch.compile) do not know.
    ids = torch.tensor(sequence_ids.reshape(-1, width))
    return Blocks(torch.tensor(indices), torch.tensor(slots), ids, max(lengths))


def to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Return a tensor of the CPU on a device.

    A GPU of CUDA is not waited for. Others are: they may read the memory of the tensor when it is free already.
    """
    return tensor.to(device, non_blocking=torch.device(device).type == "cuda")


def _near(width: int, window: int, device: torch.device | str = "cpu") -> Tensor:
    positions = torch.arange(width, device=device)
    return (positions.unsqueeze(1) - positions).abs() <= window  # (width, width)
