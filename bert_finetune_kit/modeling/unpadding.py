"""BERT encoders that compute real tokens alone and never the padding of a batch.

The tokens of a batch lie one after another in one row, (1, tokens, hidden): embeddings, dense layers and norms see
tokens alone and take them as they are, and attention sees each sequence by itself. Heads, checkpoint and collator stay
what they are, and so does the mathematics: the states of real tokens are those of the stock encoder, and those of
padding, which nothing may read, are zero.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions
from transformers.utils.output_capturing import _CAN_RECORD_REGISTRY

from .attention import ATTENTION, Part, lay_out
from .dropout import Dropout

_STOCK = "sdpa"
# What the stock forward alone can do.
_STOCK_ALONE = ("inputs_embeds", "encoder_hidden_states", "past_key_values", "use_cache")
_RECORDED = ("output_hidden_states", "output_attentions")


@dataclass(frozen=True)
class Packing:
    """Where the real tokens of a batch stand, the shortest sequence first."""

    places: Tensor
    """(tokens,) int64: place of each real token in the flattened (batch * seq)."""
    parts: list[Part]
    """How to attend within the sequences."""


@torch.compiler.disable  # its lists are as long as the data say, which torch.compile (2.9) cannot guard on
def pack(attention_mask: Tensor) -> Packing:
    """Return where the real tokens of a batch stand.

    Args:
        attention_mask: (batch, seq), 0 for padding, wherever it is.
    """
    real = attention_mask != 0
    lengths, order = real.sum(1).sort(stable=True)
    rows, columns = real[order].nonzero(as_tuple=True)
    parts = lay_out([length for length in lengths.tolist() if length], attention_mask.device)
    return Packing(order[rows] * attention_mask.shape[1] + columns, parts)


def _encode(
    self: Any, stock: Callable[..., Any], input_ids: Tensor | None, attention_mask: Tensor | None,
    token_type_ids: Tensor | None, position_ids: Tensor | None, kwargs: dict[str, Any],
) -> Any:  # fmt: skip
    """Encode (batch, seq) tokens; the states of padding are zero.

    Args:
        self: the encoder.
        stock: its stock forward, for all that cannot go without padding.
        input_ids: and what follows: as the stock forward takes them.
        attention_mask: (batch, seq), 0 for padding.
        token_type_ids: (batch, seq) or none.
        position_ids: (batch, seq) or none.
        kwargs: what else the stock forward takes.
    """
    if input_ids is None or attention_mask is None or not _unpads(self.config, attention_mask, kwargs):
        return stock(input_ids, attention_mask, token_type_ids, position_ids, **kwargs)
    batch, seq = input_ids.shape
    packing = pack(attention_mask)

    def packed(values: Tensor) -> Tensor:
        return values.expand(batch, seq).reshape(-1)[packing.places].unsqueeze(0)

    of_tokens = getattr(self.embeddings, "create_position_ids_from_input_ids", None)  # RoBERTa counts its own
    if position_ids is None and of_tokens is not None:
        position_ids = of_tokens(input_ids, self.embeddings.padding_idx)
    embedded = self.embeddings(
        input_ids=packed(input_ids),
        token_type_ids=None if token_type_ids is None else packed(token_type_ids),
        position_ids=(packing.places % seq).unsqueeze(0) if position_ids is None else packed(position_ids),
    )
    if hasattr(self, "embeddings_project"):  # ELECTRA's embeddings may be narrower than its layers
        embedded = self.embeddings_project(embedded)
    told = self.encoder(embedded, parts=packing.parts).last_hidden_state[0]
    states = told.new_zeros(batch * seq, told.shape[1]).index_copy(0, packing.places, told).view(batch, seq, -1)
    pooler = getattr(self, "pooler", None)
    output = BaseModelOutputWithPoolingAndCrossAttentions(
        last_hidden_state=states, pooler_output=None if pooler is None else pooler(states)
    )
    return output if kwargs.get("return_dict", self.config.return_dict) is not False else output.to_tuple()


def _unpads(config: Any, attention_mask: Tensor, kwargs: dict[str, Any]) -> bool:
    return (
        attention_mask.ndim == 2
        and config._attn_implementation == ATTENTION
        and not config.is_decoder
        and not config.chunk_size_feed_forward
        and not any(kwargs.get(name) is not None for name in _STOCK_ALONE)
        and not any(kwargs.get(name, getattr(config, name, False)) for name in _RECORDED)
        and bool((attention_mask[:, 0] != 0).all())  # heads read the first token, be it padding or not
    )


# The classes carry the stock names because `save_pretrained` writes the names of classes, and reports show them.
class BertModel(transformers.BertModel):
    """`transformers.BertModel` that computes real tokens alone wherever it can, else what the stock forward does."""

    def forward(
        self, input_ids: Any = None, attention_mask: Any = None, token_type_ids: Any = None, position_ids: Any = None,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Encode (batch, seq) tokens; the states of padding are zero."""
        return _encode(self, super().forward, input_ids, attention_mask, token_type_ids, position_ids, kwargs)


class RobertaModel(transformers.RobertaModel):
    """The same of `transformers.RobertaModel`."""

    def forward(
        self, input_ids: Any = None, attention_mask: Any = None, token_type_ids: Any = None, position_ids: Any = None,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Encode (batch, seq) tokens; the states of padding are zero."""
        return _encode(self, super().forward, input_ids, attention_mask, token_type_ids, position_ids, kwargs)


class ElectraModel(transformers.ElectraModel):
    """The same of `transformers.ElectraModel`."""

    def forward(
        self, input_ids: Any = None, attention_mask: Any = None, token_type_ids: Any = None, position_ids: Any = None,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Encode (batch, seq) tokens; the states of padding are zero."""
        return _encode(self, super().forward, input_ids, attention_mask, token_type_ids, position_ids, kwargs)


_KINDS: dict[type, type] = {
    transformers.BertModel: BertModel,
    transformers.RobertaModel: RobertaModel,
    transformers.ElectraModel: ElectraModel,
}
for _kind in _KINDS.values():  # by the name of the class, as `__init__` does for the stock ones
    dict.__setitem__(_CAN_RECORD_REGISTRY, str(_kind), _kind._can_record_outputs)  # type: ignore[attr-defined]


def unpad_encoder(model: Any) -> bool:
    """Make the BERT, RoBERTa or ELECTRA encoder in `model` compute real tokens alone; weights stay what they are.

    Args:
        model: a stock model with or without head, wrapped by peft or not.

    Returns:
        Whether it does: not where the model holds no such encoder, or one with another attention than sdpa.
    """
    found = False
    for stock, ours in _KINDS.items():
        for encoder in _modules(model, stock):
            if encoder.config._attn_implementation not in (_STOCK, ATTENTION) or encoder.config.is_decoder:
                continue
            encoder.__class__ = ours
            encoder.config._attn_implementation = ATTENTION
            _swap(encoder, nn.Dropout, Dropout)
        found = found or bool(_modules(model, ours))
    return found


def pad_encoder(model: Any) -> None:
    """Undo `unpad_encoder`."""
    for stock, ours in _KINDS.items():
        for encoder in _modules(model, ours):
            encoder.__class__ = stock
            encoder.config._attn_implementation = _STOCK
            _swap(encoder, Dropout, nn.Dropout)


def _modules(model: Any, kind: type) -> list[Any]:
    return [module for module in model.modules() if type(module) is kind]


def _swap(model: Any, one: type, other: type) -> None:
    for module in _modules(model, one):
        module.__class__ = other
