"""Attention within each of several sequences that are concatenated in one row.

`attention_parts.py` divides it into calls. On GPUs torch's attention of variable lengths, which needs no blocks, takes
their place where it can.
Shapes: tokens is the number of real tokens of a batch, head_dim the size of an attention head.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

from ..compat.torch import softmax_backward
from .attention_parts import Blocks, Part
from .dropout import keep_mask

# Name of the attention function in the config of a model in memory; it is never saved.
UNPADDED_ATTENTION = "unpadded_sdpa"
# What torch's attention of variable lengths supports; it has no dropout.
_VARLEN_DTYPES = (torch.float16, torch.bfloat16)
_VARLEN_HEAD_DIMS = range(8, 257, 8)
_VARLEN_CAPABILITY = (8, 0)
_VARLEN_ARGUMENTS = {"scale", "window_size"}


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    dropout: float = 0.0, scaling: float | None = None, sliding_window: int | None = None,
    parts: list[Part] | None = None, **kwargs: Any,
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
    states = [tensor[0].transpose(0, 1) for tensor in (query, key, value)]  # (tokens, heads, head_dim)
    if query.device.type == "cpu" and torch.is_grad_enabled():
        return _CpuAttention.apply(*states, parts, window, dropout, scale).unsqueeze(0), None
    outputs = []
    varlen = varlen_attention(query, dropout)
    varlen_arguments: dict[str, Any] = {"scale": scale} | ({} if window is None else {"window_size": (window, window)})
    for part, *part_states in zip(parts, *_split(parts, *states), strict=True):
        if varlen is not None and isinstance(part, Blocks):
            cu_seqlens, longest = part.cu_seqlens, part.max_seqlen
            outputs.append(varlen(*part_states, cu_seqlens, cu_seqlens, longest, longest, **varlen_arguments))
            continue
        queries, keys, values = (part.pack(tensor).unflatten(0, (part.count, -1)) for tensor in part_states)
        output = scaled_dot_product_attention(
            queries, keys, values, attn_mask=part.mask(window), dropout_p=dropout, scale=scale
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
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    # The function of torch 2.10 has neither a scale nor a window.
    return varlen_attn if inspect.signature(varlen_attn).parameters.keys() >= _VARLEN_ARGUMENTS else None


class _CpuAttention(Function):
    """Attention on CPUs, where torch has no kernel for it with dropout and composes it of a dozen operations.

    Written by hand, the backward is four matrix products beside the forward's two, without a graph for each part.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor,
        parts: list[Part], window: int | None, dropout: float, scale: float,
    ) -> Tensor:  # fmt: skip
        """Return (tokens, heads, head_dim)."""
        outputs: list[Tensor] = []
        saved: list[Tensor | None] = []
        ctx.parts, ctx.scale = parts, scale
        for part, *states in zip(parts, *_split(parts, query, key, value), strict=True):
            queries, keys, values = map(part.pack, states)
            scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(scale)
            attended = part.mask(window)
            if attended is not None:
                scores.unflatten(0, (part.count, -1)).masked_fill_(~attended, -torch.inf)
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
        return *map(torch.cat, gradients), None, None, None, None


def _split(parts: list[Part], *states: Tensor) -> list[tuple[Tensor, ...]]:
    return [tensor.split([part.tokens for part in parts]) for tensor in states]


def _drop(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values * mask


AttentionInterface.register(UNPADDED_ATTENTION, attend)
AttentionMaskInterface.register(UNPADDED_ATTENTION, AttentionMaskInterface()["sdpa"])
