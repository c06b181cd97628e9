"""Which layers of an encoder still have the values that they are initialized with."""

import torch
from torch import nn

from ..compat.peft import is_adapter
from .layers import encoder_layers


def count_initialized_layers(model: nn.Module) -> dict[str, int]:
    """Count the encoder's layers whose norms have weights of exactly 1 and whose biases are exactly 0.

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
    norms = [module for module in layer.modules() if "norm" in type(module).__name__.lower()]
    if not norms or any(bool((weight != 1).any()) for norm in norms for weight in _weights(norm)):
        return False
    biases = (value for name, value in layer.named_parameters() if name.endswith("bias") and not is_adapter(name))
    return not any(bool(bias.any()) for bias in biases)


def _weights(norm: nn.Module) -> list[nn.Parameter]:
    return [value for name, value in norm.named_parameters(recurse=False) if name == "weight"]
