"""Encoders that compute the real tokens of a batch and never its padding.

The real tokens of a batch are concatenated in one row, (1, tokens), which the stock forward gets with their positions.
Embeddings, dense layers and norms work token by token; attention stays within each sequence. Heads, checkpoint and
collator do not change. The states of real tokens equal those of the stock encoder; those of padding, which nothing may
read, are zero.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..compat.transformers import get_attn_implementation
from .attention import UNPADDED_ATTENTION
from .dropout import Dropout
from .encoders import ENCODERS, STOCK_ATTENTION, EncoderClass, derive_encoder, modules_of, stock_encoders, switch_class
from .packing import PACKING, Packing, PackingCollator, look_at

_OF_TOKENS = ("input_ids", "token_type_ids", "position_ids")  # arguments of (batch, seq) that are packed
# Arguments that only the stock forward supports, beside further tensors; arguments or settings that must be off.
_STOCK_ONLY = ("past_key_values", "use_cache")
_OFF = ("output_hidden_states", "output_attentions", "is_causal", "is_decoder", "chunk_size_feed_forward")


def _forward(self: Any, stock_forward: Callable[..., Any], inputs: dict[str, Any]) -> Any:
    """A stock encoder that skips padding wherever it can, and else runs the stock forward on all of the batch.

    It takes (batch, seq) ids and returns (batch, seq, hidden) states; those of padding are zero.
    """
    given = inputs.pop(PACKING, None)
    packing = _packing(self.config, inputs, given) if _can_unpad(self.config, inputs) else None
    if packing is None:
        return stock_forward(**inputs)
    input_ids = inputs["input_ids"]
    batch, seq = input_ids.shape

    fillers = 1 if packing.has_fillers else 0  # they read, and write to, one place more

    def pack(values: Tensor) -> Tensor:
        flat = values.expand(batch, seq).reshape(-1)
        flat = nn.functional.pad(flat, (0, fillers)) if fillers else flat
        return flat.index_select(0, packing.indices).unsqueeze(0)

    positions = (packing.indices % seq).unsqueeze(0)
    create_position_ids = getattr(getattr(self, "embeddings", None), "create_position_ids_from_input_ids", None)
    if create_position_ids is not None:  # RoBERTa's own rule
        positions = pack(create_position_ids(input_ids, self.embeddings.padding_idx))
    packed = {name: pack(inputs[name]) for name in _OF_TOKENS if inputs.get(name) is not None}
    # A mask of four dimensions goes to the attention function as it is, which has no use for it.
    mask = input_ids.new_ones(1, 1, 1, 1, dtype=torch.bool)
    arguments = {"position_ids": positions, **packed, "attention_mask": mask, "return_dict": True}
    output = stock_forward(**inputs | arguments, parts=packing.parts)
    hidden = output.last_hidden_state.squeeze(0)  # (tokens, hidden)
    flat = hidden.new_zeros(batch * seq + fillers, hidden.shape[1]).index_copy_(0, packing.indices, hidden)
    states = flat[: batch * seq].view(batch, seq, -1)
    output.last_hidden_state = states
    if getattr(self, "pooler", None) is not None:
        output.pooler_output = _pool(self, states)
    return output if inputs.get("return_dict", self.config.return_dict) is not False else output.to_tuple()


def _packing(config: Any, inputs: Mapping[str, Any], given: Packing | None) -> Packing | None:
    """Return the packing that a batch came with, on the device of the batch; where there is none, look at its mask."""
    input_ids, attention_mask = inputs["input_ids"], inputs["attention_mask"]
    if given is None or given.shape != tuple(input_ids.shape):
        return look_at(attention_mask, _has_windows(config), torch.compiler.is_compiling())
    return given if given.indices.device == input_ids.device else given.to(input_ids.device)


def _has_windows(config: Any) -> bool:
    return getattr(config, "sliding_window", None) is not None


def _pool(encoder: Any, states: Tensor) -> Tensor:
    """Return the pooled states, (batch, hidden), of (batch, seq, hidden)."""
    if hasattr(encoder, "pooler_activation"):  # ALBERT's pooler is a layer of the states of the first token
        return encoder.pooler_activation(encoder.pooler(states[:, 0]))
    return encoder.pooler(states)


def _can_unpad(config: Any, inputs: Mapping[str, Any]) -> bool:
    attention_mask = inputs.get("attention_mask")
    others = (value for name, value in inputs.items() if name not in (*_OF_TOKENS, "attention_mask"))
    return (
        inputs.get("input_ids") is not None
        and torch.is_tensor(attention_mask)
        and attention_mask.ndim == 2
        and get_attn_implementation(config) == UNPADDED_ATTENTION
        and not any(torch.is_tensor(value) and value.ndim for value in others)
        and not any(inputs.get(name) is not None for name in _STOCK_ONLY)
        and not any(inputs.get(name, getattr(config, name, False)) for name in _OFF)
    )


def __getattr__(name: str) -> EncoderClass:
    """Return the encoder of this name that skips padding; pickle looks for it here."""
    if name not in ENCODERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return derive_encoder(name, _forward, __name__)


def unpadded_encoders(model: nn.Module) -> list[Any]:
    """Return the encoders in `model` that skip padding."""
    return [module for module in model.modules() if type(module).__module__ == __name__]


def with_packing(
    collator: Callable[[list[Any]], Any], model: nn.Module, device: torch.device | str, compiled: bool = False
) -> Callable[[list[Any]], Any]:
    """Return a collator whose batches tell `model` where their real tokens are, so that it need not look.

    Args:
        collator: examples → batch with an `attention_mask`, (batch, seq).
        model: that will compute the batches; where it computes padding, or its forward takes no further arguments for
            the encoder, the collator is returned as it is.
        device: of the model by then.
        compiled: whether `torch.compile` compiles it.
    """
    encoders = unpadded_encoders(model)
    heads = (module for module in model.modules() if isinstance(module, PreTrainedModel) and module not in encoders)
    if not encoders or not all(_takes_any_argument(type(head).forward) for head in heads):
        return collator
    has_windows = any(_has_windows(encoder.config) for encoder in encoders)
    return PackingCollator(collator, str(device), has_windows, compiled)


@cache
def _takes_any_argument(forward: Callable[..., Any]) -> bool:
    kinds = {parameter.kind for parameter in inspect.signature(forward).parameters.values()}
    return inspect.Parameter.VAR_KEYWORD in kinds


def unpad_encoder(model: nn.Module) -> bool:
    """Make the encoder in `model` skip padding; weights and checkpoint do not change.

    Args:
        model: a stock model with or without head, wrapped by peft or not.

    Returns:
        Whether the model now skips padding. False if its encoder is none of those in docs/design.md, a decoder, or one
        with another attention than sdpa.
    """
    for encoder in stock_encoders(model):
        attention = get_attn_implementation(encoder.config)
        if attention in (STOCK_ATTENTION, UNPADDED_ATTENTION) and not getattr(encoder.config, "is_decoder", False):
            encoder.set_attn_implementation(UNPADDED_ATTENTION)
            switch_class([encoder], derive_encoder(type(encoder).__name__, _forward, __name__))
            switch_class(modules_of(encoder, [nn.Dropout]), Dropout)
    return bool(unpadded_encoders(model))


def pad_encoder(model: nn.Module) -> None:
    """Undo `unpad_encoder`."""
    for encoder in unpadded_encoders(model):
        switch_class([encoder], type(encoder).__mro__[1])  # the stock class
        encoder.set_attn_implementation(STOCK_ATTENTION)
        switch_class(modules_of(encoder, [Dropout]), nn.Dropout)
