"""LoRA (Hu et al. 2022) with `peft`: heads stay trainable, and what is saved in the end is a stock checkpoint."""

import copy
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from ..errors import ConfigError, ModelError
from .loading import quiet_transformers

ADAPTER_FOLDER = "adapter"


def lora_config(given: Any) -> Any:
    """Return peft's `LoraConfig` from one, from a mapping of its settings or from such a mapping as JSON.

    Raises:
        ConfigError: it is none of them, or peft knows no such setting.
    """
    from peft import LoraConfig

    if given is None or isinstance(given, LoraConfig):
        return given
    try:
        settings = json.loads(given) if isinstance(given, str) else dict(given)
        return LoraConfig(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"lora is {given!r}, of which no LoraConfig can be made: {error}. Give peft's LoraConfig, or its settings "
            'as a mapping such as {"r": 8, "lora_alpha": 16}.'
        ) from error


def add_lora(model: PreTrainedModel, config: Any, heads: Sequence[str]) -> Any:
    """Wrap `model` for LoRA; of the encoder only the adapters are trained.

    Args:
        model: the whole model.
        config: peft's `LoraConfig`; without `target_modules` query and value get adapters, as in the paper.
        heads: modules by name whose weights are new. They are trained whole and saved with the adapter: left out, a
            checkpoint would hold an adapter to a head that nobody has.

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
            warnings.simplefilter("ignore", FutureWarning)  # of transformers, about a name that peft still uses
            return get_peft_model(model, config)
    except ValueError as error:
        raise ModelError(f"LoRA cannot be added: {error}") from error


def describe_lora(config: Any) -> str | None:
    """Return what a report says of a `LoraConfig`."""
    return None if config is None else f"r {config.r}, alpha {config.lora_alpha}, dropout {config.lora_dropout}"


def is_lora(model: Any) -> bool:
    """Whether a model is wrapped by peft."""
    return hasattr(model, "merge_and_unload")


def merge_lora(model: Any) -> PreTrainedModel:
    """Return a stock model with the adapters added into its weights; the wrapped model is left as it is."""
    merged: PreTrainedModel = copy.deepcopy(model).merge_and_unload()
    return merged


def save_merged(model: Any, folder: str | Path) -> None:
    """Save the adapter into `folder`/adapter, and the stock model with the adapter merged into `folder`."""
    with quiet_transformers():
        model.save_pretrained(Path(folder) / ADAPTER_FOLDER)
        merge_lora(model).save_pretrained(folder)
