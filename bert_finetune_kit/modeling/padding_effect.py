"""Whether an encoder takes sequences of any length, and whether it reads their padding: tried on one sequence."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..errors import ModelError
from .architecture import max_positions

_TOKENS = 12  # of the sequence at most, and as many of padding


@torch.no_grad()
def reads_padding(encoder: PreTrainedModel) -> bool:
    """Return whether the padding of a batch changes the states of its tokens, in spite of the attention mask.

    Convolutions and pooling over neighbouring positions do that.

    Args:
        encoder: without a head; it stays as it is. One on the device meta has no values to try.

    Raises:
        ModelError: it cannot compute the sequence, such as one that takes sequences of one length alone.
    """
    device = next(encoder.parameters()).device
    if device.type == "meta":
        return False
    longest = max_positions(encoder.config)
    count = _TOKENS if longest is None else min(_TOKENS, longest // 2)
    ids = torch.arange(1, count + 1, device=device).unsqueeze(0) % encoder.config.vocab_size  # (1, seq)
    padding = torch.full_like(ids, getattr(encoder.config, "pad_token_id", None) or 0)
    mask = torch.ones_like(ids)
    padded = torch.cat([ids, padding], dim=1), torch.cat([mask, torch.zeros_like(mask)], dim=1)
    was_training = encoder.training
    try:
        with torch.random.fork_rng([] if device.type == "cpu" else [device]):
            _states(encoder.train(), ids, mask)
            encoder.eval()
            alone, in_batch = _states(encoder, ids, mask), _states(encoder, *padded)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelError(
            f"{type(encoder).__name__} cannot compute a sequence of {count} tokens: {str(error).splitlines()[0]} "
            "Texts have any length: choose an encoder that takes them, such as BERT, RoBERTa or DeBERTa."
        ) from error
    finally:
        encoder.train(was_training)
    # An encoder that pools has fewer states than tokens, and its heads read the first one alone.
    compared = count if len(alone) == count else 1
    tolerance = torch.finfo(alone.dtype).eps ** 0.5
    return not torch.allclose(alone[:compared], in_batch[:compared], rtol=tolerance, atol=tolerance)


def _states(encoder: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the last hidden states of one sequence, (seq, hidden)."""
    return encoder(input_ids=ids, attention_mask=mask)[0][0]
