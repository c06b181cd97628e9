"""BERT encoders for devices that compile every new graph: the same one whatever the padding of a batch."""

from typing import Any

import transformers
from torch import Tensor
from transformers.utils.output_capturing import _CAN_RECORD_REGISTRY


# The class carries the stock name because `save_pretrained` writes the names of classes, and because reports show them.
class BertModel(transformers.BertModel):
    """`transformers.BertModel` that never looks at the values of its attention mask.

    Given a mask of (batch, seq), the stock forward asks whether there is any padding. On XLA that ends the graph in
    each forward, and gives a second one to compile for batches without padding.
    """

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, *arguments: Any, **settings: Any
    ) -> Any:
        """Encode (batch, seq) tokens."""
        return super().forward(input_ids, fixed_mask(attention_mask), *arguments, **settings)


# By the name of the class, as `__init__` does for the stock one.
dict.__setitem__(_CAN_RECORD_REGISTRY, str(BertModel), BertModel._can_record_outputs)


def fix_shapes(model: Any) -> None:
    """Make the stock BERT encoder in `model` one that never looks at its mask; weights and checkpoint stay as they are.

    Args:
        model: a stock BERT with or without head, wrapped by peft or not.
    """
    for module in model.modules():
        if type(module) is transformers.BertModel and not module.config.is_decoder:
            module.__class__ = BertModel


def fixed_mask(attention_mask: Tensor | None) -> Tensor | None:
    """Return the (batch, 1, seq, seq) mask of a (batch, seq) one, which the stock encoder takes as it is."""
    if attention_mask is None or attention_mask.ndim != 2:
        return attention_mask
    return attention_mask.bool()[:, None, None, :].expand(-1, 1, attention_mask.shape[1], -1)
