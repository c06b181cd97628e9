"""Whether a model computes the padding of a batch."""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel

from ..compat.transformers import get_attn_implementation
from ..errors import ModelError
from .encoders import stock_encoders
from .fixed_shapes import fix_shapes
from .padding_effect import check_attention, head_reads_padding, reads_padding
from .sparse_attention import choose_attention
from .unpadding import unpad_encoder


def skip_padding(
    model: Any, wanted: bool, on_xla: bool, device: torch.device | None = None
) -> tuple[bool, tuple[str, ...]]:
    """Let the encoder of a model skip padding where it can; return whether it does, and notes.

    Args:
        model: wrapped by peft or not.
        wanted: whether padding is to be skipped.
        on_xla: whether the device compiles every new shape, so that padding is computed in a few fixed shapes.
        device: that will compute the model; none means one that has all operations, as CPUs and CUDA do.

    Raises:
        ModelError: the encoder takes sequences of one length alone, computes no attention, or has a head that reads
            padding.
    """
    chosen = choose_attention(model)
    if on_xla:
        fix_shapes(model)
        return False, chosen
    if not wanted:
        return False, (*chosen, *_effect(model))
    missing = None if device is None or device.type in ("cpu", "cuda") else missing_operation(device)
    if missing is not None:
        return False, (f"Padding is computed: {device} lacks an operation ({missing})", *chosen, *_effect(model))
    if unpad_encoder(model):
        return True, ()
    return False, (f"Padding is computed: {_reason(model)}", *chosen, *_effect(model))


def missing_operation(device: torch.device) -> str | None:
    """Return what a device says of an operation it lacks that skipping padding needs; none where it has them all."""
    try:
        states, places = torch.ones(2, 1, 2, device=device, requires_grad=True), torch.arange(2, device=device)
        mask = torch.ones(1, 1, 2, 2, dtype=torch.bool, device=device)
        query = states.index_select(0, places).transpose(0, 1).unsqueeze(0)
        output = scaled_dot_product_attention(query, query, query, attn_mask=mask)[0].transpose(0, 1)
        output.new_zeros(3, 1, 2).index_copy_(0, places, output).sum().backward()
    except (NotImplementedError, RuntimeError) as error:
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return None


def _effect(model: nn.Module) -> tuple[str, ...]:
    """Return a note where padding changes what is computed."""
    stock = next((module for module in model.modules() if isinstance(module, PreTrainedModel)), None)
    if stock is None:
        return ()
    encoder: Any = stock.base_model
    is_stock = type(stock).__module__.startswith("transformers.")  # what another one computes is its author's choice
    if is_stock:
        check_attention(encoder)
    if not reads_padding(encoder):
        if is_stock and head_reads_padding(stock):
            raise ModelError(_head_message(stock))
        return ()
    return (
        f"{type(encoder).__name__} reads the padding of a batch: scores and gradients of an example depend a little on "
        "the longest one of its batch, and so on the batch size and the number of processes",
    )


def _head_message(model: PreTrainedModel) -> str:
    pooling = {name: getattr(model.config, name, None) for name in ("summary_type", "classifier_pooling", "pooling")}
    found = ", ".join(f"{name} is {value!r}" for name, value in pooling.items() if value is not None)
    return (
        f"The head of {type(model).__name__} reads the padding of a batch{f' ({found})' if found else ''}: scores "
        "would depend on the other texts in it. Let the head read the first token in the config (summary_type='first'),"
        " or choose another encoder."
    )


def _reason(model: nn.Module) -> str:
    """Return why padding cannot be skipped."""
    for encoder in stock_encoders(model):
        if getattr(encoder.config, "is_decoder", False):
            return f"{type(encoder).__name__} is a decoder"
        return f"skipping it needs the attention sdpa, and this model has {get_attn_implementation(encoder.config)}"
    for pretrained in model.modules():
        if isinstance(pretrained, PreTrainedModel):
            name = type(pretrained.base_model).__name__
            if pretrained.is_backend_compatible():
                return f"{name} is not among the encoders that can skip it"
            return f"{name} does not use transformers' attention interface"
    return "the model has no encoder of transformers"
