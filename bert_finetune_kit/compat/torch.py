"""Private parts of torch."""

from datetime import timedelta

import torch
from torch import Tensor, distributed


def softmax_backward(gradient: Tensor, weights: Tensor) -> Tensor:
    """Return the gradient of the scores from that of their softmax over the last dimension.

    `torch._softmax_backward_data` has no public name. The formula `weights * (gradient - (gradient * weights).sum(-1))`
    is as fast but rounds differently, so that a run would no longer repeat the losses of an earlier version.

    Args:
        gradient: of the weights, of any shape.
        weights: softmax of the scores, the same shape.

    >>> weights = torch.tensor([0.25, 0.75])
    >>> softmax_backward(torch.tensor([1.0, 0.0]), weights)
    tensor([ 0.1875, -0.1875])
    """
    return torch._softmax_backward_data(gradient, weights, -1, weights.dtype)


def flash_attention(
    query: Tensor, key: Tensor, value: Tensor, cu_seqlens: Tensor, max_seqlen: int,
    dropout: float, scale: float, window: int | None,
) -> Tensor:  # fmt: skip
    """Attend within concatenated sequences, on GPUs of compute capability 8.0 or higher and in 16 bits.

    The public `torch.nn.attention.varlen.varlen_attn` calls the same operator and has no dropout (torch 2.13).

    Args:
        query: (tokens, heads, head_dim); key and value too.
        key: the same.
        value: the same.
        cu_seqlens: (sequences + 1,) int32: first token of each sequence, and end of the last.
        max_seqlen: tokens of the longest sequence.
        dropout: probability of dropping an attention weight.
        scale: of the scores.
        window: how many tokens before and after itself a token attends to; None for all.
    """
    output: Tensor = torch.ops.aten._flash_attention_forward(
        query, key, value, cu_seqlens, cu_seqlens, max_seqlen, max_seqlen, dropout, False, False,
        scale=scale, window_size_left=window, window_size_right=window,
    )[0]  # fmt: skip
    return output


def efficient_attention(
    query: Tensor, key: Tensor, value: Tensor, cu_seqlens: Tensor, max_seqlen: int, dropout: float, scale: float
) -> Tensor:
    """As `flash_attention` without a window, on all GPUs, and in 32 bits too.

    Torch offers this operator to sequences of variable lengths in nested tensors alone, of which every operation is
    dispatched in Python.
    """
    needs_gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (query, key, value))
    output: Tensor = torch.ops.aten._efficient_attention_forward(
        query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0), None, cu_seqlens, cu_seqlens, max_seqlen, max_seqlen,
        dropout, 0, needs_gradient, scale=scale,
    )[0]  # fmt: skip
    return output.squeeze(0)


def count_changes(tensor: Tensor) -> int:
    """Return how often a tensor has been changed in place.

    Private: by `_version` autograd finds out whether a tensor that it has saved is still the same.
    """
    version: int = tensor._version
    return version


def pack_weight(weight: Tensor) -> Tensor:
    """Return the weight of a linear layer in the layout in which oneDNN multiplies by it, for `packed_linear`.

    Private: these are the operators that `torch.compile` emits for CPUs. The public `torch.utils.mkldnn` also copies
    each input and output.

    Args:
        weight: (out, in), float32 or bfloat16, on an x86 CPU.
    """
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight)
    return packed


def packed_linear(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return `torch.nn.functional.linear` of a packed weight, without a gradient.

    Args:
        states: (…, in), of the type of the weight.
        weight: as `pack_weight` returns it.
        bias: (out,), or none.
    """
    output: Tensor = torch.ops.mkldnn._linear_pointwise(states, weight, bias, "none", [], "")
    return output


def set_distributed_timeout(seconds: float) -> None:
    """Set how long this process waits for the others; nothing where it is alone.

    Private: the public argument of `init_process_group` is Accelerate's to give, and transformers 5.23 passes
    `ddp_timeout` to it for GPUs alone, so that processes on CPUs would wait for half an hour.

    Args:
        seconds: in which another process must answer.
    """
    if distributed.is_available() and distributed.is_initialized():
        distributed.distributed_c10d._set_pg_timeout(timedelta(seconds=seconds))
