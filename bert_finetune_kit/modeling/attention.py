"""Attention of sequences that lie one after another in one row, each within itself.

On CPUs short sequences share blocks of one width, in which a mask keeps them apart, and longer ones of equal length a
call. On GPUs, where a call costs more than the padding in it, all share blocks as wide as the longest of them, or go
through torch's attention of variable lengths, which needs no blocks.
Shapes: tokens is the number of real tokens of a batch, size that of an attention head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .dropout import keep_mask

# Name of the attention function in the config of a model in memory; it is never saved.
ATTENTION = "real_tokens"
# Tokens of a block of short sequences, of which at least two fit into one. Small matrix products cost more by their
# number than by their size.
BLOCK = 64
_MULTIPLE = 8  # of which the width of a block is on GPUs, whose kernels load so many numbers at once
# What torch's attention of variable lengths can take; it knows no dropout.
_VARLEN_TYPES = (torch.float16, torch.bfloat16)
_VARLEN_SIZES = range(8, 257, 8)
_VARLEN_CAPABILITY = (8, 0)


@dataclass(frozen=True)
class Group:
    """Sequences of one length, beside each other."""

    count: int
    length: int

    @property
    def tokens(self) -> int:
        """Tokens of all of them."""
        return self.count * self.length

    @property
    def mask(self) -> None:
        """None: every token sees all of its sequence."""
        return None

    def take(self, states: Tensor) -> Tensor:
        """(tokens, heads, size) → (count * heads, length, size)."""
        return states.unflatten(0, (self.count, self.length)).transpose(1, 2).flatten(0, 1)

    def give(self, states: Tensor) -> Tensor:
        """(count * heads, length, size) → (tokens, heads, size)."""
        return states.unflatten(0, (self.count, -1)).transpose(1, 2).flatten(0, 1)


@dataclass(frozen=True)
class Blocks:
    """Sequences in blocks of one width; each block is a run of the row, filled up with what follows."""

    places: Tensor
    """(blocks * width,) int64: token of each place; those of the filling are the last token."""
    own: Tensor
    """(tokens,) int64: place of each token."""
    sequence: Tensor
    """(blocks, width) int64: number of the sequence of each place, -1 for the filling, which sees itself alone."""
    starts: Tensor
    """(sequences + 1,) int32: first token of each sequence, and the end of the last."""
    longest: int
    """Tokens of the longest sequence."""

    @property
    def count(self) -> int:
        """Number of blocks."""
        return len(self.sequence)

    @property
    def tokens(self) -> int:
        """Tokens of all sequences."""
        return len(self.own)

    @cached_property
    def mask(self) -> Tensor:
        """(blocks, 1, width, width) bool: which places see which, for all heads and, being kept, for all layers."""
        return (self.sequence.unsqueeze(2) == self.sequence.unsqueeze(1)).unsqueeze(1)

    def take(self, states: Tensor) -> Tensor:
        """(tokens, heads, size) → (blocks * heads, width, size); nobody sees the filling, and it is not given back."""
        return states.index_select(0, self.places).unflatten(0, self.sequence.shape).transpose(1, 2).flatten(0, 1)

    def give(self, states: Tensor) -> Tensor:
        """(blocks * heads, width, size) → (tokens, heads, size)."""
        return states.unflatten(0, (self.count, -1)).transpose(1, 2).flatten(0, 1).index_select(0, self.own)


Part = Group | Blocks


def lay_out(lengths: Sequence[int], device: torch.device | str = "cpu") -> list[Part]:
    """Return how to attend within sequences that lie one after another.

    Args:
        lengths: tokens of each sequence, rising.
        device: where the states are.
    """
    if torch.device(device).type != "cpu":
        width = max(BLOCK, -(-max(lengths, default=0) // _MULTIPLE) * _MULTIPLE)
        return [to_blocks(lengths, width, device)] if lengths else []
    short = [length for length in lengths if length <= BLOCK // 2]
    parts: list[Part] = []
    if len(set(short)) > 1:
        parts.append(to_blocks(short, BLOCK, device))
        lengths = lengths[len(short) :]
    for length in dict.fromkeys(lengths):
        parts.append(Group(lengths.count(length), length))
    return parts


def to_blocks(lengths: Sequence[int], width: int, device: torch.device | str = "cpu") -> Blocks:
    """Return blocks of one width for sequences that lie one after another, each as full as their order allows.

    Args:
        lengths: tokens of each sequence, none above `width`.
        width: of a block.
        device: where the states are.
    """
    block_of, used = [0], lengths[0]
    for length in lengths[1:]:
        fits = used + length <= width
        block_of.append(block_of[-1] + (not fits))
        used = used + length if fits else length
    sizes = torch.tensor(lengths)
    owner = torch.repeat_interleave(torch.arange(len(lengths)), sizes)  # sequence of each token
    block = torch.tensor(block_of)[owner]
    first = torch.searchsorted(block, torch.arange(block_of[-1] + 1))  # first token of each block
    own = block * width + torch.arange(len(owner)) - first[block]
    places = torch.full(((block_of[-1] + 1) * width,), len(owner) - 1)
    places[own] = torch.arange(len(owner))
    sequence = torch.full_like(places, -1)
    sequence[own] = owner
    starts = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)]).to(torch.int32)
    places, own, sequence, starts = (values.to(device) for values in (places, own, sequence.view(-1, width), starts))
    return Blocks(places, own, sequence, starts, max(lengths))


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    dropout: float = 0.0, scaling: float | None = None, parts: list[Part] | None = None, **kwargs: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attend within each sequence; without `parts` do what the stock function does.

    Args:
        module: the attention layer.
        query: (1, heads, tokens, size).
        key: the same shape.
        value: the same shape.
        attention_mask: none where there are parts.
        dropout: share of the weights that are dropped.
        scaling: of the scores; none means size ** -0.5.
        parts: of `lay_out`.
        kwargs: for the stock function.

    Returns:
        (1, tokens, heads, size), and nothing for the weights.
    """
    if parts is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    rows = [states[0].transpose(0, 1) for states in (query, key, value)]  # (tokens, heads, size)
    if query.device.type == "cpu" and torch.is_grad_enabled():
        return _Attend.apply(*rows, parts, dropout, scale).unsqueeze(0), None
    attended = []
    varlen = varlen_attention(query, dropout)
    for part, *states in zip(parts, *_split(parts, *rows), strict=True):
        if varlen is not None and isinstance(part, Blocks):
            attended.append(varlen(*states, part.starts, part.starts, part.longest, part.longest, scale=scale))
            continue
        queries, keys, values = (part.take(one).unflatten(0, (part.count, -1)) for one in states)
        outcome = scaled_dot_product_attention(
            queries, keys, values, attn_mask=part.mask, dropout_p=dropout, scale=scale
        )
        attended.append(part.give(outcome.flatten(0, 1)))
    return torch.cat(attended).unsqueeze(0), None


def varlen_attention(query: Tensor, dropout: float) -> Any | None:
    """Return `torch.nn.attention.varlen.varlen_attn` where torch, the GPU and these states allow it, else none.

    Args:
        query: (1, heads, tokens, size).
        dropout: share of the weights that are dropped; it can drop none.
    """
    fits = query.is_cuda and not dropout and query.dtype in _VARLEN_TYPES and query.shape[-1] in _VARLEN_SIZES
    if not fits or torch.cuda.get_device_capability(query.device) < _VARLEN_CAPABILITY:
        return None
    try:
        from torch.nn.attention.varlen import varlen_attn  # from torch 2.10 on
    except ImportError:
        return None
    return varlen_attn


class _Attend(Function):
    """Attention on CPUs, where torch has no kernel for it with dropout and puts it together of a dozen operations.

    Written out by hand it is four matrix products more than the forward's two, without a graph for each part.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, parts: list[Part], dropout: float, scale: float
    ) -> Tensor:
        """Return (tokens, heads, size)."""
        output, saved = [], []
        ctx.parts, ctx.scale = parts, scale
        for part, *states in zip(parts, *_split(parts, query, key, value), strict=True):
            queries, keys, values = map(part.take, states)
            scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(scale)
            if part.mask is not None:
                scores.unflatten(0, (part.count, -1)).masked_fill_(~part.mask, -torch.inf)
            weights = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32)).to(values.dtype)
            mask = keep_mask(weights.shape, dropout, weights.dtype) if dropout else None
            output.append(part.give(torch.bmm(_drop(weights, mask), values)))
            saved += [queries, keys, values, weights, mask]
        ctx.save_for_backward(*saved)
        return torch.cat(output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradients of query, key and value."""
        gradients: tuple[list[Tensor], ...] = ([], [], [])
        saved = iter(ctx.saved_tensors)
        for part, rows in zip(ctx.parts, *_split(ctx.parts, gradient), strict=True):
            queries, keys, values, weights, mask = (next(saved) for _ in range(5))
            given = part.take(rows)
            of_values = torch.bmm(_drop(weights, mask).transpose(1, 2), given)
            of_weights = _drop(torch.bmm(given, values.transpose(1, 2)), mask)
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype).mul_(ctx.scale)
            of_queries, of_keys = torch.bmm(of_scores, keys), torch.bmm(of_scores.transpose(1, 2), queries)
            for target, one in zip(gradients, (of_queries, of_keys, of_values), strict=True):
                target.append(part.give(one))
        return *map(torch.cat, gradients), None, None, None


def _split(parts: list[Part], *states: Tensor) -> list[tuple[Tensor, ...]]:
    return [one.split([part.tokens for part in parts]) for one in states]


def _drop(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values * mask


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
