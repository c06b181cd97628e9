"""Parameters by name, wherever they are: in a model, in a file, in LoRA's wrapping, or only in a config."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import BertConfig, BertModel
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME, WEIGHTS_NAME, cached_file

from ..errors import ConfigError
from .loading import checkpoint_config

# Checkpoints made with TensorFlow have these names, and transformers renames them when it loads.
_OLD_ENDINGS = {"gamma": "weight", "beta": "bias"}
_TIED = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
_ADAPTER = ".lora_"


@dataclass(frozen=True)
class Weight:
    """One parameter."""

    shape: tuple[int, ...]
    read: Callable[[], Tensor] | None = None
    """Gives its numbers; none where there are none, as in a config or on the device meta."""
    trainable: bool = True

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def stock_name(name: str) -> str:
    """Return the name of a parameter in the bare encoder or in the head, without what wrappers put around it.

    >>> stock_name("base_model.model.bert.encoder.layer.0.attention.self.query.base_layer.weight")
    'encoder.layer.0.attention.self.query.weight'
    >>> stock_name("bert.embeddings.LayerNorm.gamma")
    'embeddings.LayerNorm.weight'
    """
    name = name.removeprefix("base_model.model.").removeprefix("bert.").replace(".base_layer.", ".")
    name = re.sub(r"\.modules_to_save\.[^.]+\.", ".", name)
    start, _, last = name.rpartition(".")
    return f"{start}.{_OLD_ENDINGS[last]}" if last in _OLD_ENDINGS else name


def is_adapter(name: str) -> bool:
    """Whether a parameter is a matrix of LoRA."""
    return _ADAPTER in name


def weights_of(model: nn.Module | BertConfig | str | Path) -> dict[str, Weight]:
    """Return the parameters of a model, tied ones once; a weight beside which LoRA stands with what LoRA adds.

    Args:
        model: any module, a `BertConfig` for the encoder with its pooler, or a folder that holds model.safetensors.

    Raises:
        ConfigError: it is none of these.
    """
    if isinstance(model, str | Path) and (Path(model) / SAFE_WEIGHTS_NAME).is_file():
        return weights_in(Path(model) / SAFE_WEIGHTS_NAME)
    if isinstance(model, BertConfig):
        with torch.device("meta"):
            model = BertModel(model)
    if not isinstance(model, nn.Module):
        raise ConfigError(
            f"{model!r} has no parameters to compare: a model, a BertConfig, or a folder with {SAFE_WEIGHTS_NAME} is "
            "needed."
        )
    adapted: dict[str, Any] = {
        f"{name}.base_layer.weight": module
        for name, module in model.named_modules()
        if hasattr(module, "get_delta_weight") and hasattr(module, "base_layer")
    }
    return {
        stock_name(name): Weight(
            tuple(parameter.shape),
            None if parameter.is_meta else partial(_read, parameter, adapted.get(name)),
            parameter.requires_grad,
        )
        for name, parameter in model.named_parameters()
        if ".original_module." not in name  # peft's copy of a head that is trained whole
    }


def _read(parameter: Tensor, adapted: Any) -> Tensor:
    weight = parameter.detach().cpu()
    if adapted is None or adapted.merged:
        return weight
    with torch.no_grad():
        return weight + sum(adapted.get_delta_weight(name).cpu() for name in adapted.active_adapters)


def weights_in(file: str | Path) -> dict[str, Weight]:
    """Return what a safetensors file holds; numbers are read from the mapped file when they are asked for."""
    stored = safe_open(file, framework="pt")
    names = list(stored.keys())
    return {
        stock_name(name): Weight(tuple(stored.get_slice(name).get_shape()), partial(stored.get_tensor, name))
        for name in names
    }


def weights_digest(folder: str | Path) -> str | None:
    """Return the SHA-256 of the weights in a model's folder; none where there are none in one file."""
    path = Path(folder) / SAFE_WEIGHTS_NAME
    return checksum(path) if path.is_file() else None


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while part := stream.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def checkpoint_shapes(given: str) -> dict[str, tuple[int, ...]] | None:
    """Return the shape of each parameter that a checkpoint holds, tied ones once; none where it cannot be read.

    Args:
        given: Hub id or folder.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        for file in _files(given):
            if file.suffix == ".safetensors":
                shapes |= {name: weight.shape for name, weight in weights_in(file).items()}
            else:
                stored = torch.load(file, map_location="meta", weights_only=True)
                shapes |= {stock_name(name): tuple(value.shape) for name, value in stored.items()}
    except (OSError, SafetensorError, RuntimeError, ValueError):
        return None
    tied = _TIED if getattr(checkpoint_config(given), "tie_word_embeddings", True) else ()
    left_out = (*tied, "embeddings.position_ids")  # the last is no parameter, and in old checkpoints
    return {name: shape for name, shape in shapes.items() if name not in left_out} or None


def _files(given: str) -> list[Path]:
    """Return the files of a checkpoint with its weights: one, or those that an index lists."""
    for name in (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_NAME):
        found = cached_file(given, name, _raise_exceptions_for_missing_entries=False)
        if found is None:
            continue
        if name != SAFE_WEIGHTS_INDEX_NAME:
            return [Path(found)]
        parts = sorted(set(json.loads(Path(found).read_text("utf-8"))["weight_map"].values()))
        return [Path(str(cached_file(given, part))) for part in parts]
    return []
