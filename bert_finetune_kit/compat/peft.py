"""Names and attributes that peft gives to modules and parameters; none of them is documented."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

_WRAPPER_PREFIX, _BASE_LAYER, _ADAPTER, _ORIGINAL = "base_model.model.", ".base_layer.", ".lora_", ".original_module."
_TRAINED_COPY = re.compile(r"\.modules_to_save\.[^.]+\.")


def unwrapped_name(name: str) -> str:
    """Return the name that a parameter of a wrapped model has in the stock model.

    `state_dict` and `named_parameters` of a `PeftModel` only have the longer names.

    >>> unwrapped_name("base_model.model.bert.encoder.layer.0.attention.self.query.base_layer.weight")
    'bert.encoder.layer.0.attention.self.query.weight'
    >>> unwrapped_name("base_model.model.classifier.modules_to_save.default.weight")
    'classifier.weight'
    """
    name = name.removeprefix(_WRAPPER_PREFIX).replace(_BASE_LAYER, ".")
    return _TRAINED_COPY.sub(".", name)


def is_adapter(name: str) -> bool:
    """Return whether a parameter is a LoRA matrix."""
    return _ADAPTER in name


def is_original_module(name: str) -> bool:
    """Return whether a parameter is peft's untouched copy of a module that is trained whole (`modules_to_save`)."""
    return _ORIGINAL in name


def adapter_deltas(model: nn.Module) -> dict[str, Callable[[], Tensor]]:
    """Return functions that compute what LoRA adds to a weight, by the weight's name in `named_parameters`.

    There is no public way to read the effective weight without merging, which changes the model. A merged layer adds
    nothing: its weight already contains the product.
    """
    return {
        f"{name}{_BASE_LAYER}weight": partial(_delta, module)
        for name, module in model.named_modules()
        if hasattr(module, "get_delta_weight") and hasattr(module, "base_layer")
    }


@torch.no_grad()
def _delta(layer: Any) -> Tensor:
    """Return the sum of the active adapters' products, of the weight's shape, on the CPU."""
    if layer.merged:
        return torch.zeros(())
    return sum((layer.get_delta_weight(adapter).cpu() for adapter in layer.active_adapters), torch.zeros(()))
