"""Which parameters of a model are trained, and how fast."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel

from .layers import is_in_embeddings, layer_of
from .lora import add_lora

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel


def make_trainable(
    model: PreTrainedModel,
    heads: Sequence[str],
    lora: "LoraConfig | None" = None,
    freeze_embeddings: bool = False,
    freeze_layers: int = 0,
) -> "PreTrainedModel | PeftModel":
    """Return `model` with its frozen parts frozen, wrapped for LoRA if there is a `LoraConfig`.

    Args:
        model: the whole model.
        heads: names of modules that LoRA trains whole.
        lora: None trains the weights themselves.
        freeze_embeddings: freeze the embeddings.
        freeze_layers: freeze the first n layers, and the embeddings with them.
    """
    freeze(model, freeze_embeddings, freeze_layers)
    return model if lora is None else add_lora(model, lora, heads)


def freeze(model: PreTrainedModel, embeddings: bool = False, layers: int = 0) -> None:
    """Freeze the embeddings, or the first n layers and the embeddings with them."""
    encoder: Any = model.base_model
    for name, parameter in encoder.named_parameters():
        layer = layer_of(name)
        if (is_in_embeddings(name) and (embeddings or layers)) or (layer is not None and layer < layers):
            parameter.requires_grad_(False)


def layer_lr_multiplier(layers: int, decay: float) -> Callable[[str], float] | None:
    """Return what multiplies the learning rate of a parameter by its name; None if all have the same rate.

    Args:
        layers: number of layers of the encoder.
        decay: factor from the learning rate of a layer to that of the layer below it.
    """
    return None if decay == 1 else partial(lr_multiplier, layers=layers, decay=decay)


def lr_multiplier(name: str, layers: int, decay: float) -> float:
    """Return the share of the learning rate for a parameter (Howard and Ruder 2018; ELECTRA, Clark et al. 2020).

    Args:
        name: of the parameter in the model.
        layers: number of layers of the encoder.
        decay: factor from the learning rate of a layer to that of the layer below it; heads and pooler have all of it.

    >>> [lr_multiplier(f"bert.{part}.weight", 2, 0.5) for part in ("embeddings", "encoder.layer.0", "pooler")]
    [0.125, 0.25, 1.0]
    """
    if is_in_embeddings(name):
        return decay ** (layers + 1)
    layer = layer_of(name)
    return 1.0 if layer is None else decay ** (layers - layer)
