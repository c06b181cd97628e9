"""Encoders that compute the real tokens of a batch and never its padding.

The real tokens of a batch are concatenated in one row, (1, tokens, hidden). Embeddings, dense layers and norms work
token by token and need no change; attention stays within each sequence. Heads, checkpoint and collator do not change.
The states of real tokens equal those of the stock encoder; those of padding, which nothing may read, are zero.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from ..compat.transformers import get_attn_implementation
from .attention import UNPADDED_ATTENTION, Part, plan_attention
from .dropout import Dropout
from .encoders import derive_encoders, modules_of, switch_class

_STOCK_ATTENTION = "sdpa"
# Arguments that only the stock forward supports.
_STOCK_ONLY = ("inputs_embeds", "encoder_hidden_states", "past_key_values", "use_cache")
_RECORDED = ("output_hidden_states", "output_attentions")


@dataclass(frozen=True)
class Packing:
    """Where the real tokens of a batch are, the shortest sequence first."""

    indices: Tensor
    """(tokens,) int64: index of each real token in the flattened (batch * seq)."""
    parts: list[Part]
    """How to attend within the sequences."""


@torch.compiler.disable  # its lists are as long as the data require, which torch.compile (2.9) cannot guard on
def plan_packing(attention_mask: Tensor) -> Packing:
    """Return where the real tokens of a batch are.

    Args:
        attention_mask: (batch, seq), 0 for padding at any position.
    """
    real = attention_mask != 0
    lengths, order = real.sum(1).sort(stable=True)
    rows, columns = real[order].nonzero(as_tuple=True)
    parts = plan_attention([length for length in lengths.tolist() if length], attention_mask.device)
    return Packing(order[rows] * attention_mask.shape[1] + columns, parts)


def _forward(
    self: Any,
    stock_forward: Callable[..., Any],
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    **kwargs: Any,
) -> Any:
    """A stock encoder that skips padding wherever it can, and else runs the stock forward.

    It takes (batch, seq) ids and returns (batch, seq, hidden) states; those of padding are zero.
    """
    if input_ids is None or attention_mask is None or not _can_unpad(self.config, attention_mask, kwargs):
        return stock_forward(input_ids, attention_mask, token_type_ids, position_ids, **kwargs)
    batch, seq = input_ids.shape
    packing = plan_packing(attention_mask)

    def pack(values: Tensor) -> Tensor:
        return values.expand(batch, seq).reshape(-1)[packing.indices].unsqueeze(0)

    create_position_ids = getattr(self.embeddings, "create_position_ids_from_input_ids", None)  # RoBERTa's own rule
    if position_ids is None and create_position_ids is not None:
        position_ids = create_position_ids(input_ids, self.embeddings.padding_idx)
    embedded = self.embeddings(
        input_ids=pack(input_ids),
        token_type_ids=None if token_type_ids is None else pack(token_type_ids),
        position_ids=(packing.indices % seq).unsqueeze(0) if position_ids is None else pack(position_ids),
    )
    if hasattr(self, "embeddings_project"):  # ELECTRA's embeddings may be narrower than its layers
        embedded = self.embeddings_project(embedded)
    hidden = self.encoder(embedded, parts=packing.parts).last_hidden_state[0]  # (tokens, hidden)
    states = hidden.new_zeros(batch * seq, hidden.shape[1]).index_copy(0, packing.indices, hidden).view(batch, seq, -1)
    pooler = getattr(self, "pooler", None)
    output = BaseModelOutputWithPoolingAndCrossAttentions(
        last_hidden_state=states, pooler_output=None if pooler is None else pooler(states)
    )
    return output if kwargs.get("return_dict", self.config.return_dict) is not False else output.to_tuple()


def _can_unpad(config: PretrainedConfig, attention_mask: Tensor, kwargs: dict[str, Any]) -> bool:
    return (
        attention_mask.ndim == 2
        and get_attn_implementation(config) == UNPADDED_ATTENTION
        and not config.is_decoder
        and not config.chunk_size_feed_forward
        and not any(kwargs.get(name) is not None for name in _STOCK_ONLY)
        and not any(kwargs.get(name, getattr(config, name, False)) for name in _RECORDED)
        and bool((attention_mask[:, 0] != 0).all())  # heads read the first token, even if it is padding
    )


_UNPADDED = derive_encoders(_forward, __name__)
_STOCK = {unpadded: stock for stock, unpadded in _UNPADDED.items()}


def unpad_encoder(model: nn.Module) -> bool:
    """Make the BERT, RoBERTa or ELECTRA encoder in `model` skip padding; weights and checkpoint do not change.

    Args:
        model: a stock model with or without head, wrapped by peft or not.

    Returns:
        Whether the model now skips padding. False if it has no such encoder, or one with another attention than sdpa.
    """
    for encoder in modules_of(model, _UNPADDED):
        attention = get_attn_implementation(encoder.config)
        if attention in (_STOCK_ATTENTION, UNPADDED_ATTENTION) and not encoder.config.is_decoder:
            encoder.set_attn_implementation(UNPADDED_ATTENTION)
            switch_class([encoder], _UNPADDED)
            switch_class(modules_of(encoder, [nn.Dropout]), {nn.Dropout: Dropout})
    return bool(modules_of(model, _STOCK))


def pad_encoder(model: nn.Module) -> None:
    """Undo `unpad_encoder`."""
    for encoder in modules_of(model, _STOCK):
        switch_class([encoder], _STOCK)
        encoder.set_attn_implementation(_STOCK_ATTENTION)
        switch_class(modules_of(encoder, [Dropout]), {Dropout: nn.Dropout})
