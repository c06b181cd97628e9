"""Stock heads that compute chosen positions of a batch alone.

The head of masked words works position by position. Where a forward hook on the encoder hands it the states of the
positions to predict, (1, predictions, hidden), instead of all, (batch, seq, hidden), the stock forward of any
architecture computes those and no others. Shapes: batch, seq, hidden, vocab as in transformers; `predictions` is the
number of chosen positions of a batch.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

_TOLERANCE = 1e-4


@dataclass
class Selection:
    """The positions that the head of one model computes in its next forward."""

    positions: Tensor | None = None
    """(predictions,) int64, in the flattened (batch * seq); none for all of them."""


def select_positions(model: PreTrainedModel) -> Selection | None:
    """Let the head of `model` compute chosen positions alone; the model and its checkpoint stay stock.

    Args:
        model: a stock model with a head for masked words.

    Returns:
        What to set the positions in; none if this head needs the states of all positions, or the model is on the device
        meta. The model is then as it was.
    """
    selection = Selection()
    handle = model.base_model.register_forward_hook(partial(_select, selection))
    if _works(model, selection):
        return selection
    handle.remove()
    return None


def _select(selection: Selection, encoder: nn.Module, inputs: Any, output: Any) -> Any:
    if selection.positions is None:
        return output
    hidden = output[0]  # (batch, seq, hidden)
    chosen = hidden.reshape(-1, hidden.shape[-1]).index_select(0, selection.positions).unsqueeze(0)
    if isinstance(output, tuple):
        return (chosen, *output[1:])
    output.last_hidden_state = chosen
    return output


def token_logits(output: Any) -> Tensor:
    """Return the logits of tokens in the output of a head for masked words, with or without a head for pairs."""
    logits = getattr(output, "prediction_logits", None)
    return output.logits if logits is None else logits


def pair_logits(output: Any) -> Tensor:
    """Return the (batch, 2) logits of pairs in the output of a head for them."""
    logits = getattr(output, "seq_relationship_logits", None)
    return output.sop_logits if logits is None else logits


@torch.no_grad()
def _works(model: PreTrainedModel, selection: Selection) -> bool:
    """Return whether the head gives the same logits for chosen positions as the stock forward, on a small batch."""
    device = next(model.parameters()).device
    if device.type == "meta":
        return False
    was_training = model.training
    model.eval()
    try:
        ids = torch.arange(16, device=device).view(2, 8) % model.config.vocab_size
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        expected = token_logits(model(**batch)).flatten(0, 1)
        selection.positions = torch.tensor([1, 5, 14], device=device)
        chosen = token_logits(model(**batch))
    except (RuntimeError, ValueError, IndexError, TypeError):
        return False
    finally:
        selection.positions = None
        model.train(was_training)
    if chosen.shape != (1, 3, expected.shape[-1]):
        return False
    return torch.allclose(chosen[0], expected[[1, 5, 14]], rtol=_TOLERANCE, atol=_TOLERANCE)
