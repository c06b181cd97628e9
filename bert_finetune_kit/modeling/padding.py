"""Whether a model computes the padding of a batch."""

from typing import Any

from .fixed_shapes import fix_shapes
from .unpadding import unpad_encoder


def skip_padding(model: Any, wanted: bool, on_xla: bool) -> tuple[bool, tuple[str, ...]]:
    """Let the encoder of a model skip padding where it can; return whether it does, and notes.

    Args:
        model: wrapped by peft or not.
        wanted: whether padding is to be skipped.
        on_xla: whether the device compiles every new shape, so that padding is computed in a few fixed shapes.
    """
    if on_xla:
        fix_shapes(model)
        return False, ()
    if not wanted:
        return False, ()
    if unpad_encoder(model):
        return True, ()
    return False, ("Unpadding disabled: needs a stock BERT encoder with the attention sdpa; padding is computed",)
