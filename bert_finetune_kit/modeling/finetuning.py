"""What part of BERT learns, and how fast."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import raise_faults
from .lora import add_lora

# [CLS] one token [SEP]
_LEAST_LENGTH = 3


@dataclass(frozen=True)
class FineTuningConfig:
    """Settings that every fine-tuning has."""

    max_length: int = 128
    """Longest sequence in tokens, special tokens included."""
    layer_decay: float = 1.0
    """Each layer learns this many times as fast as the one above it (ELECTRA: 0.8 for base); 1 means all alike."""
    freeze_embeddings: bool = False
    """Leave the embeddings as they are."""
    freeze_layers: int = 0
    """Leave the first n layers as they are, and the embeddings with them."""
    early_stopping_patience: int | None = None
    """Stop after so many evaluations without a better score; none means never."""
    unpad: bool = True
    """Compute real tokens alone, never the padding of a batch."""

    def __post_init__(self) -> None:
        raise_faults(self._faults(), type(self).__name__)

    def _faults(self) -> list[str]:
        faults = []
        if self.max_length < _LEAST_LENGTH:
            faults.append(f"max_length is {self.max_length}: at least {_LEAST_LENGTH} tokens are needed")
        if not 0 < self.layer_decay <= 1:
            faults.append(f"layer_decay is {self.layer_decay}: it lies above 0 and up to 1")
        if self.freeze_layers < 0:
            faults.append(f"freeze_layers is {self.freeze_layers}: a number of layers is 0 or more")
        if self.early_stopping_patience is not None and self.early_stopping_patience < 1:
            faults.append(f"early_stopping_patience is {self.early_stopping_patience}: at least 1 evaluation is needed")
        return faults

    def model_faults(self, config: Any) -> list[str]:
        """Return what cannot be had of a model with this `BertConfig`."""
        faults = []
        if self.max_length > config.max_position_embeddings:
            faults.append(
                f"max_length is {self.max_length}, and the model has {config.max_position_embeddings} positions: lower "
                "max_length; longer texts can be read in windows"
            )
        if self.freeze_layers > config.num_hidden_layers:
            faults.append(f"freeze_layers is {self.freeze_layers}, and the model has {config.num_hidden_layers} layers")
        return faults


def make_trainable(model: Any, settings: FineTuningConfig, lora: Any, heads: Sequence[str]) -> Any:
    """Return `model` with what is to stay as it is frozen, and with adapters where LoRA is asked for.

    Args:
        model: the whole model.
        settings: what to freeze.
        lora: peft's `LoraConfig`; none means to train the weights themselves.
        heads: modules by name that LoRA trains whole.
    """
    freeze(model, settings)
    return model if lora is None else add_lora(model, lora, heads)


def freeze(model: Any, settings: FineTuningConfig) -> None:
    """Take the parameters that are to stay as they are out of training."""
    if settings.freeze_embeddings or settings.freeze_layers:
        model.base_model.embeddings.requires_grad_(False)
    for layer in model.base_model.encoder.layer[: settings.freeze_layers]:
        layer.requires_grad_(False)


def rate_by_layer(model: Any, settings: FineTuningConfig) -> Callable[[str], float] | None:
    """Return what multiplies the learning rate of a parameter by name; none where all learn alike."""
    if settings.layer_decay == 1:
        return None
    return partial(rate_multiplier, layers=model.config.num_hidden_layers, decay=settings.layer_decay)


def rate_multiplier(name: str, layers: int, decay: float) -> float:
    """Return how much of the learning rate a parameter gets (Howard and Ruder 2018; ELECTRA, Clark et al. 2020).

    Args:
        name: of the parameter in the model.
        layers: number of layers of the encoder.
        decay: learning rate of a layer as a share of that of the layer above it; heads and pooler have all of it.

    >>> [rate_multiplier(f"bert.{part}.weight", 2, 0.5) for part in ("embeddings", "encoder.layer.0", "pooler")]
    [0.125, 0.25, 1.0]
    """
    if "embeddings." in name:
        return decay ** (layers + 1)
    layer = re.search(r"\.layer\.(\d+)\.", name)
    return decay ** (layers - int(layer[1])) if layer else 1.0
