"""Whether an encoder takes sequences of any length, and whether it reads their padding: tried on one sequence."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..errors import ModelError
from .architecture import max_positions
from .random_state import random_state_kept

_TOKENS = 12  # of the sequence at most, and as many of padding


def reads_padding(encoder: PreTrainedModel) -> bool:
    """Return whether the padding of a batch changes the states of its tokens, in spite of the attention mask.

    Convolutions and pooling over neighbouring positions do that.

    Args:
        encoder: without a head; it stays as it is. One on the device meta has no values to try.

    Raises:
        ModelError: it cannot compute the sequence, such as one that takes sequences of one length alone.
    """
    batches = _batches(encoder)
    if batches is None:
        return False
    alone, in_batch = (states[0] for states in _outputs(encoder, batches))
    # An encoder that pools has fewer states than tokens, and its heads read the first one alone.
    count = batches[0][0].shape[1]
    return _differ(alone, in_batch, count if len(alone) == count else 1)


def head_reads_padding(model: PreTrainedModel) -> bool:
    """Return whether the padding of a batch changes the scores of a whole sequence, as a head for the last position.

    Args:
        model: with a stock head; any that gives other scores, or needs more than tokens, is not tried.
    """
    batches = _batches(model)
    if batches is None:
        return False
    try:
        alone, in_batch = (logits[0] for logits in _outputs(model, batches))
    except (ModelError, TypeError, AttributeError, AssertionError):  # Longformer asserts that there are separators
        return False
    return alone.shape == (model.config.num_labels,) and _differ(alone, in_batch, len(alone))


def check_attention(encoder: PreTrainedModel) -> None:
    """Check that a token is computed from the others, too.

    Args:
        encoder: without a head; it stays as it is.

    Raises:
        ModelError: it is not: transformers leaves attention out where the kernels of an encoder (MRA) are missing.
    """
    batches = _batches(encoder)
    if batches is None or not getattr(encoder.config, "num_hidden_layers", 0):
        return
    ids, mask = batches[0]
    others = ids[:, -1:].expand_as(ids)  # the same last token after others
    last, again = (states[0, -1] for states in _outputs(encoder, ((ids, mask), (others, mask))))
    if torch.equal(last, again):
        raise ModelError(
            f"{type(encoder).__name__} computes no attention on this machine: the states of a token are the same "
            "whatever the others are. It needs kernels that are missing here: choose another encoder."
        )


Inputs = tuple[Tensor, Tensor]  # ids and mask, both (1, seq)


def _batches(model: PreTrainedModel) -> tuple[Inputs, Inputs] | None:
    """Return a sequence alone and with padding; none on the device meta, where there are no values to try."""
    device = next(model.parameters()).device
    if device.type == "meta":
        return None
    longest = max_positions(model.config)
    count = _TOKENS if longest is None else min(_TOKENS, longest // 2)
    ids = torch.arange(1, count + 1, device=device).unsqueeze(0) % model.config.vocab_size
    padding = torch.full_like(ids, getattr(model.config, "pad_token_id", None) or 0)
    mask = torch.ones_like(ids)
    return (ids, mask), (torch.cat([ids, padding], dim=1), torch.cat([mask, torch.zeros_like(mask)], dim=1))


@torch.no_grad()
def _outputs(model: PreTrainedModel, batches: tuple[Inputs, Inputs]) -> tuple[Tensor, Tensor]:
    """Return the first output for two sequences, after trying the first one in training, too."""
    (ids, _), _ = batches
    was_training = model.training
    try:
        with random_state_kept(ids.device):
            _first_output(model.train(), *batches[0])
            model.eval()
            first, second = (_first_output(model, *batch) for batch in batches)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelError(
            f"{type(model).__name__} cannot compute a sequence of {ids.shape[1]} tokens: {str(error).splitlines()[0]} "
            "Texts have any length: choose an encoder that takes them, such as BERT, RoBERTa or DeBERTa."
        ) from error
    finally:
        model.train(was_training)
    return first, second


def _first_output(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Return states or logits of one sequence, with the dimension of the batch."""
    output: Tensor = model(input_ids=ids, attention_mask=mask)[0]
    return output


def _differ(alone: Tensor, in_batch: Tensor, count: int) -> bool:
    tolerance = torch.finfo(alone.dtype).eps ** 0.5
    return not torch.allclose(alone[:count], in_batch[:count], rtol=tolerance, atol=tolerance)
