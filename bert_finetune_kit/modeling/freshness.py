"""Which layers of an encoder were never trained."""

import re
from typing import Any

import torch
from torch import nn

_LAYER = re.compile(r"encoder\.layer\.\d+$")


def fresh_layers(model: nn.Module) -> dict[str, Any]:
    """Count the encoder's layers that are as they are made: LayerNorms of exactly 1, biases of exactly 0.

    One step of training moves both, so a checkpoint never has them, whatever its loading reported.

    Returns:
        `encoder_layers`, and how many of them are `fresh_layers`.

    >>> from transformers import BertConfig, BertModel
    >>> config = BertConfig(vocab_size=9, hidden_size=4, num_hidden_layers=3, num_attention_heads=1)
    >>> fresh_layers(BertModel(config))
    {'encoder_layers': 3, 'fresh_layers': 3}
    """
    layers = [module for name, module in model.named_modules() if _LAYER.search(name)]
    return {"encoder_layers": len(layers), "fresh_layers": sum(map(_is_fresh, layers))}


@torch.no_grad()
def _is_fresh(layer: nn.Module) -> bool:
    for name, parameter in layer.named_parameters():
        if name.endswith("LayerNorm.weight") and not bool((parameter == 1).all()):
            return False
        if name.endswith("bias") and "lora" not in name and bool(parameter.any()):
            return False
    return True
