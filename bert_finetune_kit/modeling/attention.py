"""Attention within each of several sequences that are concatenated in one row.

`attention_parts.py` divides it into calls.
Shapes: tokens is the number of real tokens of a batch, head_dim the size of an attention head.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

from ..compat.torch import efficient_attention, flash_attention, softmax_backward
from .attention_parts import Blocks, Group, Part, Sequences
from .dropout import keep_mask

# Name of the attention function in the config of a model in memory; it is never saved.
UNPADDED_ATTENTION = "unpadded_sdpa"
_COMPOSED = 64  # up to so many tokens in a block, two matrix products are faster on a CPU than torch's kernel
_KEPT = 512  # up to so many tokens, keeping all weights for the backward is the fastest on a CPU and fits into memory
_HEAD_DIM_MULTIPLE = 8  # of all kernels for variable lengths


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    dropout: float = 0.0, scaling: float | None = None, sliding_window: int | None = None,
    parts: Sequence[Part] | None = None, **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attend within each sequence; without `parts` call the stock sdpa function.

    Args:
        module: the attention layer.
        query: (1, heads, tokens, head_dim).
        key: the same shape, or with fewer heads, each of which serves as many heads of the query.
        value: as the key.
        attention_mask: of the stock function; unused if there are parts.
        dropout: probability of dropping an attention weight.
        scaling: of the scores; None means head_dim ** -0.5.
        sliding_window: 1 + the number of tokens before and after itself that a token attends to; None for all.
        parts: from `plan_attention`.
        kwargs: of the stock function.

    Returns:
        (1, tokens, heads, head_dim), and None for the attention weights.
    """
    if parts is None:
        stock: Callable[..., tuple[Tensor, Tensor | None]] = AttentionInterface()["sdpa"]
        return stock(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    window = None if sliding_window is None else sliding_window - 1
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if key.shape[1] != query.shape[1]:
        key, value = (tensor.repeat_interleave(query.shape[1] // key.shape[1], 1) for tensor in (key, value))
    states = [tensor.squeeze(0).transpose(0, 1) for tensor in (query, key, value)]  # (tokens, heads, head_dim)
    on_cpu = query.device.type == "cpu"
    keeps_weights = bool(dropout) or max(part.max_seqlen for part in parts) <= _KEPT
    if on_cpu and keeps_weights and torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return _CpuAttention.apply(*states, parts, window, dropout, scale).unsqueeze(0), None
    outputs = []
    for part, *part_states in zip(parts, *_split(parts, *states), strict=True):
        if isinstance(part, Sequences):
            of_one_dtype = [_autocast(tensor) for tensor in part_states]
            kernel = variable_length_kernel(of_one_dtype[0], window, dropout > 0)
            if kernel is not None:
                outputs.append(kernel(*of_one_dtype, part.cu_seqlens, part.max_seqlen, dropout, scale))
                continue
            part = part.blocks
        queries, keys, values = map(part.pack, part_states)
        if on_cpu and not dropout and queries.shape[1] <= _COMPOSED:
            output = torch.bmm(_weights(queries, keys, part, window, scale).to(values.dtype), values)
        else:
            queries, keys, values = (tensor.unflatten(0, (part.count, -1)) for tensor in (queries, keys, values))
            output = scaled_dot_product_attention(
                queries, keys, values, attn_mask=part.mask(window), dropout_p=dropout, scale=scale
            ).flatten(0, 1)
        outputs.append(part.unpack(output))
    return _join(outputs).unsqueeze(0), None


@dataclass(frozen=True)
class Kernel:
    """A kernel for sequences of variable lengths, and where it can be used."""

    attend: Callable[..., Tensor]
    dtypes: frozenset[torch.dtype]
    capability: tuple[int, int]
    """Lowest compute capability."""
    max_head_dim: float
    has_windows: bool
    has_dropout: bool
    is_enabled: Callable[[], bool]
    """Whether torch was built with it, and its users have not switched it off (`torch.nn.attention.sdpa_kernel`)."""


def _flash_is_enabled() -> bool:
    backends = torch.backends.cuda
    return backends.flash_sdp_enabled() and backends.is_flash_attention_available()


KERNELS = (
    # Wider heads need a GPU of the data centre in the backward.
    Kernel(flash_attention, frozenset({torch.float16, torch.bfloat16}), (8, 0), 128, True, True, _flash_is_enabled),
    Kernel(
        efficient_attention, frozenset({torch.float16, torch.float32}), (5, 0), math.inf, False, False,
        torch.backends.cuda.mem_efficient_sdp_enabled,
    ),
    Kernel(
        efficient_attention, frozenset({torch.bfloat16}), (8, 0), math.inf, False, False,
        torch.backends.cuda.mem_efficient_sdp_enabled,
    ),
)  # fmt: skip
"""The kernels of NVIDIA GPUs, the fastest first. Where there is none, sequences are computed in blocks.

For variable lengths the second one drops the same weights in every head and sequence (measured with torch 2.11): the
place of a weight in the stream of random numbers is computed with a length of 0. In blocks it draws them independently.
"""


def variable_length_kernel(
    query: Tensor, window: int | None = None, has_dropout: bool = False
) -> Callable[..., Tensor] | None:
    """Return the fastest kernel for sequences of variable lengths that torch, the GPU and these states support.

    Args:
        query: (tokens, heads, head_dim).
        window: how many tokens before and after itself a token attends to; None for all.
        has_dropout: whether attention weights are dropped.

    Returns:
        A function of query, key, value, cu_seqlens, max_seqlen, dropout and scale; none if there is no kernel.
    """
    if not _is_on_nvidia(query):
        return None
    number = _kernel_number(query.device, query.dtype, query.shape[-1], window is not None, has_dropout)
    kernel = None if number is None else KERNELS[number].attend
    return partial(kernel, window=window) if kernel is flash_attention else kernel


def _is_on_nvidia(query: Tensor) -> bool:
    return query.is_cuda and torch.version.hip is None


@torch.compiler.assume_constant_result  # it asks the driver, which cannot be compiled
def _kernel_number(
    device: torch.device, dtype: torch.dtype, head_dim: int, has_window: bool, has_dropout: bool
) -> int | None:
    """Return the place in `KERNELS` of the first one that supports this."""
    if head_dim % _HEAD_DIM_MULTIPLE:
        return None
    capability = torch.cuda.get_device_capability(device)
    for number, kernel in enumerate(KERNELS):
        supports = dtype in kernel.dtypes and head_dim <= kernel.max_head_dim and capability >= kernel.capability
        supports = supports and kernel.has_windows >= has_window and kernel.has_dropout >= has_dropout
        if supports and kernel.is_enabled():
            return number
    return None


class _CpuAttention(Function):
    """Attention on CPUs, where torch has no kernel for it with dropout and composes it of a dozen operations.

    Written by hand, the backward is four matrix products beside the forward's two, without a graph for each part. It
    keeps the weights, whose number is the square of the length: without dropout, torch's kernel takes long sequences.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor,
        parts: Sequence[Part], window: int | None, dropout: float, scale: float,
    ) -> Tensor:  # fmt: skip
        """Return (tokens, heads, head_dim)."""
        outputs: list[Tensor] = []
        saved: list[Tensor | None] = []
        ctx.parts, ctx.scale = parts, scale
        for part, *states in zip(parts, *_split(parts, query, key, value), strict=True):
            queries, keys, values = map(part.pack, states)
            weights = _weights(queries, keys, part, window, scale).to(values.dtype)
            mask = keep_mask(weights.shape, dropout, weights.dtype) if dropout else None
            outputs.append(part.unpack(torch.bmm(_drop(weights, mask), values)))
            saved += [queries, keys, values, weights, mask]
        ctx.save_for_backward(*saved)
        return _join(outputs)

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
        return *map(_join, gradients), None, None, None, None


def _weights(queries: Tensor, keys: Tensor, part: Group | Blocks, window: int | None, scale: float) -> Tensor:
    """Return the attention weights of a part, (count * heads, width, width), in 32 bits or more."""
    scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(scale)
    attended = part.mask(window)
    if attended is not None:
        scores.unflatten(0, (part.count, -1)).masked_fill_(~attended, -torch.inf)
    return scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32))


def _split(parts: Sequence[Part], *states: Tensor) -> list[tuple[Tensor, ...]]:
    if len(parts) == 1:  # the backward of split copies
        return [(tensor,) for tensor in states]
    return [tensor.split([part.tokens for part in parts]) for tensor in states]


def _join(outputs: list[Tensor]) -> Tensor:
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def _autocast(states: Tensor) -> Tensor:
    """Return states as torch's attention casts them; rotary positions leave some in 32 bits."""
    kind = states.device.type
    return states.to(torch.get_autocast_dtype(kind)) if states.is_cuda and torch.is_autocast_enabled(kind) else states


def _drop(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values * mask


AttentionInterface.register(UNPADDED_ATTENTION, attend)
AttentionMaskInterface.register(UNPADDED_ATTENTION, AttentionMaskInterface()["sdpa"])
