"""Parameters by name: of a model in memory, of a safetensors file, or of a config."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path

from safetensors import safe_open
from torch import Tensor, nn
from transformers import PretrainedConfig
from transformers.utils import SAFE_WEIGHTS_NAME

from ..compat.peft import adapter_deltas, is_original_module, unwrapped_name
from ..errors import ConfigError
from .architecture import empty_encoder
from .layers import encoder_prefix, is_in_embeddings, module_of

# Checkpoints made with TensorFlow have these names, and transformers renames them when it loads.
_OLD_ENDINGS = {"gamma": "weight", "beta": "bias"}


@dataclass(frozen=True)
class Weight:
    """One parameter."""

    shape: tuple[int, ...]
    read: Callable[[], Tensor] | None = None
    """Returns its values; None if there are none, as in a config or on the device meta."""
    trainable: bool = True
    in_head: bool = False
    """Whether it is in a head, not in the encoder."""

    @property
    def count(self) -> int:
        """Number of its elements."""
        return prod(self.shape)


Weights = Mapping[str, Weight]
"""Parameters by stock name."""


def total_count(weights: Iterable[Weight], trainable: bool = False) -> int:
    """Return the number of elements of `weights`, or of the trainable ones alone."""
    return sum(weight.count for weight in weights if weight.trainable or not trainable)


@dataclass(frozen=True)
class MaskedHead:
    """The head of a model that predicts masked tokens."""

    modules: tuple[str, ...] = ()
    is_tied: bool = False
    """Whether its decoder is the matrix of the word embeddings."""


def masked_head(weights: Weights) -> MaskedHead:
    """Return the head for masked tokens among weights: one that has a number for each word.

    Modules of a head with two outputs, for pairs of texts, are not in it.
    """
    tables = [weight for name, weight in weights.items() if _is_word_table(name, weight)]
    words = max((weight.shape[0] for weight in tables), default=0)
    heads = {name: weight for name, weight in weights.items() if weight.in_head and weight.shape[:1] > (2,)}
    if not any(weight.shape[0] == words for weight in heads.values()):
        return MaskedHead()
    owned = any(weight.shape[0] == words and len(weight.shape) > 1 for weight in heads.values())
    return MaskedHead(tuple(dict.fromkeys(map(module_of, heads))), not owned)


def _is_word_table(name: str, weight: Weight) -> bool:
    is_other = "position" in name or "token_type" in name
    return len(weight.shape) == 2 and not weight.in_head and not is_other and is_in_embeddings(name)


def by_stock_name(weights: Mapping[str, Weight]) -> dict[str, Weight]:
    """Return parameters by the names that they have in the bare encoder or in the head, without those of wrappers.

    >>> list(by_stock_name({"base_model.model.bert.embeddings.LayerNorm.gamma": Weight((8,))}))
    ['embeddings.LayerNorm.weight']
    """
    unwrapped = {unwrapped_name(name): weight for name, weight in weights.items()}
    prefix = encoder_prefix(unwrapped)
    return {
        _new_ending(name.removeprefix(prefix)): replace(weight, in_head=not name.startswith(prefix))
        for name, weight in unwrapped.items()
    }


def _new_ending(name: str) -> str:
    path, _, ending = name.rpartition(".")
    return f"{path}.{_OLD_ENDINGS[ending]}" if ending in _OLD_ENDINGS else name


def weights_of(model: nn.Module | PretrainedConfig | str | Path) -> dict[str, Weight]:
    """Return the parameters of a model, tied ones once; a weight with a LoRA adapter includes its product.

    Args:
        model: any module, a config for the encoder with its pooler, or a folder that contains model.safetensors.

    Raises:
        ConfigError: it is none of these.
    """
    if isinstance(model, PretrainedConfig):
        model = empty_encoder(model)
    if not isinstance(model, nn.Module):
        return weights_in(weights_file(model))
    deltas = adapter_deltas(model)
    weights = {
        name: Weight(
            tuple(parameter.shape),
            None if parameter.is_meta else partial(_read, parameter, deltas.get(name)),
            parameter.requires_grad,
        )
        for name, parameter in model.named_parameters()
        if not is_original_module(name)
    }
    return by_stock_name(weights)


def weights_file(folder: object) -> Path:
    """Return the safetensors file in a folder.

    Raises:
        ConfigError: it is no folder with such a file.
    """
    if isinstance(folder, str | Path) and (Path(folder) / SAFE_WEIGHTS_NAME).is_file():
        return Path(folder) / SAFE_WEIGHTS_NAME
    raise ConfigError(
        f"{folder!r} has no parameters to compare or count: pass a model, a config, or a folder that contains "
        f"{SAFE_WEIGHTS_NAME}."
    )


def _read(parameter: Tensor, delta: Callable[[], Tensor] | None) -> Tensor:
    weight = parameter.detach().cpu()
    return weight if delta is None else weight + delta()


def weights_in(file: str | Path) -> dict[str, Weight]:
    """Return the parameters in a safetensors file; values are read from the mapped file on demand."""
    return by_stock_name(stored_weights(file))


def stored_weights(file: str | Path) -> dict[str, Weight]:
    """Return the parameters in a safetensors file, which may be a part of a checkpoint, by the names in it."""
    stored = safe_open(file, framework="pt")
    return {
        name: Weight(tuple(stored.get_slice(name).get_shape()), partial(stored.get_tensor, name))
        for name in list(stored.keys())
    }
