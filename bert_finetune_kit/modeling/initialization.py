"""Which layers of an encoder still have the values that they are initialized with."""

import torch
from torch import nn

from ..compat.peft import is_adapter
from .layers import encoder_layers


def count_initialized_layers(model: nn.Module) -> dict[str, int]:
    """Count the encoder's layers whose LayerNorm weights are exactly 1 and whose biases are exactly 0.

    One step of training changes both, so a pretrained checkpoint has no such layer, whatever its loading reported.

    Returns:
        `encoder_layers`, and how many of them are `randomly_initialized_layers`.

    >>> from transformers import BertConfig, BertModel
    >>> config = BertConfig(vocab_size=9, hidden_size=4, num_hidden_layers=3, num_attention_heads=1)
    >>> count_initialized_layers(BertModel(config))
    {'encoder_layers': 3, 'randomly_initialized_layers': 3}
    """
    layers = encoder_layers(model)
    return {"encoder_layers": len(layers), "randomly_initialized_layers": sum(map(_is_initialized, layers))}


@torch.no_grad()
def _is_initialized(layer: nn.Module) -> bool:
    for name, parameter in layer.named_parameters():
        if name.endswith("LayerNorm.weight") and not bool((parameter == 1).all()):
            return False
        if name.endswith("bias") and not is_adapter(name) and bool(parameter.any()):
            return False
    return True
