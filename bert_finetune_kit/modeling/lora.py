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
from .loading import quiet_transformers

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel

ADAPTER_FOLDER = "adapter"


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
        config: without `target_modules`, query and value get adapters, as in the paper.
        heads: names of newly initialized modules. They are trained whole and saved with the adapter; without them, the
            adapter would belong to a head that exists nowhere else.

    Raises:
        ModelError: peft cannot place the adapters.
    """
    from peft import get_peft_model

    config = copy.deepcopy(config)
    config.modules_to_save = sorted({*(config.modules_to_save or ()), *(name.split(".")[-1] for name in heads)})
    if config.target_modules is None:
        config.target_modules = ["query", "value"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # transformers deprecates a name that peft still uses
            return get_peft_model(model, config)
    except ValueError as error:
        raise ModelError(
            f"LoRA cannot be added to {type(model).__name__}: {error} Check target_modules and modules_to_save of the "
            "LoraConfig."
        ) from error


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
