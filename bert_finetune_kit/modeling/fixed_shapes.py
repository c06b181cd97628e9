"""Encoders for devices that compile every new graph: one graph, whatever the padding of a batch."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from .encoders import derive_encoders, modules_of, switch_class


def _forward(
    self: Any,
    stock_forward: Callable[..., Any],
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """A stock encoder that never reads the values of its attention mask.

    Given a mask of (batch, seq), the stock forward checks whether there is any padding. On XLA that ends the graph in
    each forward, and adds a second graph to compile for batches without padding.
    """
    return stock_forward(input_ids, expand_mask(attention_mask), *args, **kwargs)


_FIXED = derive_encoders(_forward, __name__)


def fix_shapes(model: nn.Module) -> None:
    """Make the stock encoder in `model` one that never reads its mask; weights and checkpoint do not change.

    Args:
        model: a stock BERT, RoBERTa or ELECTRA with or without head, wrapped by peft or not.
    """
    switch_class((encoder for encoder in modules_of(model, _FIXED) if not encoder.config.is_decoder), _FIXED)


def expand_mask(attention_mask: Tensor | None) -> Tensor | None:
    """Return the (batch, 1, seq, seq) mask of a (batch, seq) one; the stock encoder uses it unchanged."""
    if attention_mask is None or attention_mask.ndim != 2:
        return attention_mask
    return attention_mask.bool()[:, None, None, :].expand(-1, 1, attention_mask.shape[1], -1)
