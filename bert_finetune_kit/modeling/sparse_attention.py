"""BigBird's sparse attention, chosen for each batch by its length."""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

SPARSE, FULL = "block_sparse", "original_full"


def choose_attention(model: nn.Module) -> tuple[str, ...]:
    """Let an encoder with sparse attention choose its attention for each batch, and return a note on it.

    transformers changes to full attention in the first batch that is too short for sparse blocks, and stays with it:
    results would depend on what was computed before.

    Args:
        model: with or without head, wrapped or not; any other encoder remains as it is.
    """
    notes: tuple[str, ...] = ()
    for encoder in model.modules():
        if isinstance(encoder, PreTrainedModel) and encoder.base_model is encoder and is_sparse(encoder):
            encoder.register_forward_pre_hook(_choose, with_kwargs=True)
            notes = (
                f"{type(encoder).__name__} attends to blocks ({SPARSE}) in batches of sequences of more than "
                f"{_longest_full(encoder.config)} tokens, and to all tokens in shorter ones: scores and gradients of "
                "an example depend on the longest one of its batch",
            )
    return notes


def is_sparse(encoder: Any) -> bool:
    """Return whether the config of an encoder asks for sparse attention that transformers can exchange for full one."""
    return hasattr(encoder, "set_attention_type") and getattr(encoder.config, "attention_type", FULL) == SPARSE


def _choose(encoder: Any, inputs: Any, arguments: dict[str, Any]) -> None:
    given = [arguments.get("input_ids"), arguments.get("inputs_embeds"), *inputs[:1]]
    length = next(value.shape[1] for value in given if value is not None)
    with torch.device("meta"):  # the new modules take over the weights of the old ones: no random numbers are drawn
        encoder.set_attention_type(SPARSE if length > _longest_full(encoder.config) else FULL)


def _longest_full(config: Any) -> int:
    """Return the tokens of the blocks that one attends to: two global, three beside it, random ones twice."""
    longest: int = (5 + 2 * config.num_random_blocks) * config.block_size
    return longest
