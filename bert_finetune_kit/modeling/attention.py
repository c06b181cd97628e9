"""Attention within each of several sequences that are concatenated in one row.

On CPUs short sequences share blocks of one width, in which a mask separates them, and longer sequences of equal length
share a call. On GPUs, where a call costs more than the padding in it, all sequences share blocks as wide as the longest
of them, or go through torch's attention of variable lengths, which needs no blocks.
Shapes: tokens is the number of real tokens of a batch, head_dim the size of an attention head.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

from ..compat.torch import softmax_backward
from .dropout import keep_mask

# Name of the attention function in the config of a model in memory; it is never saved.
UNPADDED_ATTENTION = "unpadded_sdpa"
# Width of the blocks of short sequences, of which at least two fit into one. Small matrix products cost more by their
# number than by their size.
BLOCK_WIDTH = 64
_GPU_MULTIPLE = 8  # widths of blocks on GPUs, whose kernels load this many numbers at once
# What torch's attention of variable lengths supports; it has no dropout.
_VARLEN_DTYPES = (torch.float16, torch.bfloat16)
_VARLEN_HEAD_DIMS = range(8, 257, 8)
_VARLEN_CAPABILITY = (8, 0)


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
    def mask(self) -> None:
        """None: every token attends to all of its sequence."""
        return None

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
    cu_seqlens: Tensor
    """(sequences + 1,) int32: cumulative lengths, that is first token of each sequence and end of the last."""
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

    @cached_property
    def mask(self) -> Tensor:
        """(blocks, 1, width, width) bool: which slots attend to which. Cached, as all layers share it."""
        return (self.sequence_ids.unsqueeze(2) == self.sequence_ids.unsqueeze(1)).unsqueeze(1)

    def pack(self, states: Tensor) -> Tensor:
        """(tokens, heads, head_dim) → (blocks * heads, width, head_dim); padding repeats the last token."""
        packed = states.index_select(0, self.indices).unflatten(0, self.sequence_ids.shape)
        return packed.transpose(1, 2).flatten(0, 1)

    def unpack(self, states: Tensor) -> Tensor:
        """(blocks * heads, width, head_dim) → (tokens, heads, head_dim)."""
        return states.unflatten(0, (self.count, -1)).transpose(1, 2).flatten(0, 1).index_select(0, self.slots)


Part = Group | Blocks


def plan_attention(lengths: Sequence[int], device: torch.device | str = "cpu") -> list[Part]:
    """Return how to divide the attention of concatenated sequences into calls.

    Args:
        lengths: tokens of each sequence, ascending.
        device: of the states.
    """
    if torch.device(device).type != "cpu":
        width = max(BLOCK_WIDTH, -(-max(lengths, default=0) // _GPU_MULTIPLE) * _GPU_MULTIPLE)
        return [build_blocks(lengths, width, device)] if lengths else []
    short = [length for length in lengths if length <= BLOCK_WIDTH // 2]
    parts: list[Part] = []
    if len(set(short)) > 1:
        parts.append(build_blocks(short, BLOCK_WIDTH, device))
        lengths = lengths[len(short) :]
    for length in dict.fromkeys(lengths):
        parts.append(Group(lengths.count(length), length))
    return parts


def build_blocks(lengths: Sequence[int], width: int, device: torch.device | str = "cpu") -> Blocks:
    """Return blocks for concatenated sequences, each filled with as many sequences as fit in their order.

    Args:
        lengths: tokens of each sequence, at most `width`.
        width: of a block.
        device: of the states.
    """
    block_of, used = [0], lengths[0]
    for length in lengths[1:]:
        fits = used + length <= width
        block_of.append(block_of[-1] + (not fits))
        used = used + length if fits else length
    sizes = torch.tensor(lengths)
    sequence = torch.repeat_interleave(torch.arange(len(lengths)), sizes)  # (tokens,)
    block = torch.tensor(block_of)[sequence]  # (tokens,)
    first_token = torch.searchsorted(block, torch.arange(block_of[-1] + 1))  # (blocks,)
    slots = block * width + torch.arange(len(sequence)) - first_token[block]
    indices = torch.full(((block_of[-1] + 1) * width,), len(sequence) - 1)
    indices[slots] = torch.arange(len(sequence))
    sequence_ids = torch.full_like(indices, -1)
    sequence_ids[slots] = sequence
    cu_seqlens = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)]).to(torch.int32)
    return Blocks(
        indices.to(device),
        slots.to(device),
        sequence_ids.view(-1, width).to(device),
        cu_seqlens.to(device),
        max(lengths),
    )


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    dropout: float = 0.0, scaling: float | None = None, parts: list[Part] | None = None, **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attend within each sequence; without `parts` call the stock sdpa function.

    Args:
        module: the attention layer.
        query: (1, heads, tokens, head_dim).
        key: the same shape.
        value: the same shape.
        attention_mask: None if there are parts.
        dropout: probability of dropping an attention weight.
        scaling: of the scores; None means head_dim ** -0.5.
        parts: from `plan_attention`.
        kwargs: of the stock function.

    Returns:
        (1, tokens, heads, head_dim), and None for the attention weights.
    """
    if parts is None:
        stock: Callable[..., tuple[Tensor, Tensor | None]] = AttentionInterface()["sdpa"]
        return stock(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    states = [tensor[0].transpose(0, 1) for tensor in (query, key, value)]  # (tokens, heads, head_dim)
    if query.device.type == "cpu" and torch.is_grad_enabled():
        return _CpuAttention.apply(*states, parts, dropout, scale).unsqueeze(0), None
    outputs = []
    varlen = varlen_attention(query, dropout)
    for part, *part_states in zip(parts, *_split(parts, *states), strict=True):
        if varlen is not None and isinstance(part, Blocks):
            cu_seqlens, longest = part.cu_seqlens, part.max_seqlen
            outputs.append(varlen(*part_states, cu_seqlens, cu_seqlens, longest, longest, scale=scale))
            continue
        queries, keys, values = (part.pack(tensor).unflatten(0, (part.count, -1)) for tensor in part_states)
        output = scaled_dot_product_attention(
            queries, keys, values, attn_mask=part.mask, dropout_p=dropout, scale=scale
        )
        outputs.append(part.unpack(output.flatten(0, 1)))
    return torch.cat(outputs).unsqueeze(0), None


def varlen_attention(query: Tensor, dropout: float) -> Callable[..., Any] | None:
    """Return `torch.nn.attention.varlen.varlen_attn` if torch, the GPU and these states support it, else None.

    Args:
        query: (1, heads, tokens, head_dim).
        dropout: probability of dropping an attention weight; the function supports 0 alone.
    """
    supported = query.dtype in _VARLEN_DTYPES and query.shape[-1] in _VARLEN_HEAD_DIMS and not dropout
    if not query.is_cuda or not supported:
        return None
    if torch.cuda.get_device_capability(query.device) < _VARLEN_CAPABILITY:
        return None
    try:
        from torch.nn.attention.varlen import varlen_attn  # from torch 2.10 on
    except ImportError:
        return None
    return varlen_attn


class _CpuAttention(Function):
    """Attention on CPUs, where torch has no kernel for it with dropout and composes it of a dozen operations.

    Written by hand, the backward is four matrix products beside the forward's two, without a graph for each part.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, parts: list[Part], dropout: float, scale: float
    ) -> Tensor:
        """Return (tokens, heads, head_dim)."""
        outputs: list[Tensor] = []
        saved: list[Tensor | None] = []
        ctx.parts, ctx.scale = parts, scale
        for part, *states in zip(parts, *_split(parts, query, key, value), strict=True):
            queries, keys, values = map(part.pack, states)
            scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(scale)
            if part.mask is not None:
                scores.unflatten(0, (part.count, -1)).masked_fill_(~part.mask, -torch.inf)
            weights = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32)).to(values.dtype)
            mask = keep_mask(weights.shape, dropout, weights.dtype) if dropout else None
            outputs.append(part.unpack(torch.bmm(_drop(weights, mask), values)))
            saved += [queries, keys, values, weights, mask]
        ctx.save_for_backward(*saved)
        return torch.cat(outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradients of query, key and value."""
        gradients: tuple[list[Tensor], ...] = ([], [], [])
        saved = iter(ctx.saved_tensors)
        for part, output_gradient in zip(ctx.parts, gradient.split([part.tokens for part in ctx.parts]), strict=True):
            queries, keys, values, weights, mask = (next(saved) for _ in range(5))
            packed = part.pack(output_gradient)
            values_gradient = torch.bmm(_drop(weights, mask).transpose(1, 2), packed)
            weights_gradient = _drop(torch.bmm(packed, values.transpose(1, 2)), mask)
            scores_gradient = softmax_backward(weights_gradient, weights).mul_(ctx.scale)
            queries_gradient = torch.bmm(scores_gradient, keys)
            keys_gradient = torch.bmm(scores_gradient.transpose(1, 2), queries)
            for target, part_gradient in zip(
                gradients, (queries_gradient, keys_gradient, values_gradient), strict=True
            ):
                target.append(part.unpack(part_gradient))
        return *map(torch.cat, gradients), None, None, None


def _split(parts: list[Part], *states: Tensor) -> list[tuple[Tensor, ...]]:
    return [tensor.split([part.tokens for part in parts]) for tensor in states]


def _drop(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values * mask


AttentionInterface.register(UNPADDED_ATTENTION, attend)
AttentionMaskInterface.register(UNPADDED_ATTENTION, AttentionMaskInterface()["sdpa"])
