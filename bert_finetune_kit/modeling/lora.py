"""LoRA (Hu et al. 2022) with `peft`: heads stay trainable, and the saved model is a stock checkpoint."""

import copy
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from torch import nn
from transformers import PreTrainedModel

from ..errors import ConfigError, ModelError
from .layers import encoder_layers
from .loading import quiet_transformers

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel

ADAPTER_FOLDER = "adapter"
# Names of the projections of queries and values, or of both with the keys, over all architectures.
_QUERIES_AND_VALUES = frozenset(
    ("query", "value", "query_proj", "value_proj", "q_proj", "v_proj", "q_lin", "v_lin", "q", "v", "q_head", "v_head",
     "Wqkv", "qkv", "in_proj")
)  # fmt: skip


def lora_config(lora: "LoraConfig | Mapping[str, Any] | str | None") -> "LoraConfig | None":
    """Return peft's `LoraConfig` from one, from a mapping of its settings, or from such a mapping as JSON.

    Raises:
        ConfigError: it is none of them, or peft has no such setting.
    """
    from peft import LoraConfig

    if lora is None or isinstance(lora, LoraConfig):
        return lora
    try:
        settings = json.loads(lora) if isinstance(lora, str) else dict(lora)
        return LoraConfig(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"lora is {lora!r}, which is not a valid LoraConfig: {error}. Pass peft's LoraConfig, or its settings as a "
            'mapping such as {"r": 8, "lora_alpha": 16}.'
        ) from error


def add_lora(model: PreTrainedModel, config: "LoraConfig", heads: Sequence[str]) -> "PeftModel":
    """Wrap `model` for LoRA; in the encoder only the adapters are trained.

    Args:
        model: the whole model.
        config: without `target_modules`, the projections of queries and values get adapters, as in the paper.
        heads: names of newly initialized modules. They are trained whole and saved with the adapter; without them, the
            adapter would belong to a head that exists nowhere else.

    Raises:
        ModelError: peft cannot place the adapters.
    """
    from peft import get_peft_model

    config = copy.deepcopy(config)
    config.modules_to_save = sorted({*(config.modules_to_save or ()), *(name.split(".")[-1] for name in heads)})
    if config.target_modules is None:
        config.target_modules = attention_projections(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # transformers deprecates a name that peft still uses
            adapted = get_peft_model(model, config)
        _check_mergeable(adapted)
        return adapted
    except ValueError as error:
        raise ModelError(
            f"LoRA cannot be added to {type(model).__name__}: {error} Check target_modules and modules_to_save of the "
            "LoraConfig."
        ) from error


def _check_mergeable(model: "PeftModel") -> None:
    """Check that the adapters can be merged into the weights, which happens when training has ended."""
    for name, module in model.named_modules():
        if name.endswith(".base_layer") and getattr(module, "groups", 1) > 1:
            raise ValueError(f"{name.removesuffix('.base_layer')} is a convolution in groups, which peft cannot merge.")


def attention_projections(model: PreTrainedModel) -> list[str]:
    """Return the names of the linear modules that make queries and values, in one module or in two.

    Raises:
        ModelError: no module of the layers has such a name.
    """
    layers = encoder_layers(model.base_model)
    modules = (named for layer in layers for named in layer.named_modules())
    linear = {name.split(".")[-1] for name, module in modules if isinstance(module, nn.Linear | nn.Conv1d)}
    found = sorted(linear & _QUERIES_AND_VALUES)
    if not found:
        raise ModelError(
            f"The attention of {type(model).__name__} has no projections with a usual name (query, value, …): name "
            f"target_modules in the LoraConfig. Linear modules: {', '.join(sorted(linear)) or 'none'}."
        )
    return found


def describe_lora(config: "LoraConfig | None") -> str | None:
    """Return the main settings of a `LoraConfig` for a report."""
    return None if config is None else f"r {config.r}, alpha {config.lora_alpha}, dropout {config.lora_dropout}"


def is_lora(model: nn.Module) -> "TypeGuard[PeftModel]":
    """Return whether a model is wrapped by peft."""
    return hasattr(model, "merge_and_unload")


def merge_lora(model: "PeftModel") -> PreTrainedModel:
    """Return a stock model with the adapters merged into its weights; the wrapped model does not change."""
    merged: PreTrainedModel = copy.deepcopy(model).merge_and_unload()
    return merged


def save_merged(model: "PeftModel", folder: str | Path) -> None:
    """Save the adapter into `folder`/adapter, and the stock model with the merged adapter into `folder`."""
    with quiet_transformers():
        model.save_pretrained(str(Path(folder) / ADAPTER_FOLDER))
        merge_lora(model).save_pretrained(folder)
