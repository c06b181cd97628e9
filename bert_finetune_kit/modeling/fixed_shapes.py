"""Encoders for devices that compile every new graph: one graph, whatever the padding of a batch."""

from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from ..compat.transformers import get_attn_implementation
from .encoders import STOCK_ATTENTION, stock_encoders

# Name of the attention function in the config of a model in memory; it is never saved.
FIXED_ATTENTION = "fixed_shapes_sdpa"


def build_mask(**arguments: Any) -> Tensor:
    """Return the (batch, 1, seq, seq) mask that the stock attention uses, also if there is no padding.

    To leave it out then, the stock function reads the values of the mask. On XLA that ends the graph in each forward,
    and adds a second graph to compile for batches without padding.

    Args:
        arguments: of the stock function.
    """
    mask: Tensor = AttentionMaskInterface()[STOCK_ATTENTION](**arguments | {"allow_is_bidirectional_skip": False})
    return mask


def fix_shapes(model: nn.Module) -> None:
    """Make the encoder in `model` never read the values of its mask; weights and checkpoint do not change.

    Args:
        model: a stock model with or without head, wrapped by peft or not. Encoders that are none of `ENCODERS`,
            decoders, and other attentions than sdpa remain as they are.
    """
    for encoder in stock_encoders(model):
        is_decoder = getattr(encoder.config, "is_decoder", False)
        if get_attn_implementation(encoder.config) == STOCK_ATTENTION and not is_decoder:
            encoder.set_attn_implementation(FIXED_ATTENTION)


AttentionInterface.register(FIXED_ATTENTION, AttentionInterface()[STOCK_ATTENTION])
AttentionMaskInterface.register(FIXED_ATTENTION, build_mask)
