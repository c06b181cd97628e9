"""A model in memory that is given in place of a checkpoint: whether a checkpoint of it is the same model."""

import copy
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accelerate import init_empty_weights
from torch import nn
from transformers import PreTrainedModel

from ..compat.peft import unwrapped_name
from ..errors import ConfigError, ModelError
from .architecture import check_encoder
from .loading import NAME_FILE, quiet_transformers
from .lora import is_lora

_MODELS = "transformers.models."  # the package of all stock classes
_KIT = __name__.partition(".")[0]


def check_given_model(model: nn.Module) -> None:
    """Check that a model is a stock model of transformers, so that it is the same one when it is saved and loaded.

    Args:
        model: any module.

    Raises:
        ConfigError: it is no model of transformers, or one in a wrapper.
        ModelError: it is no encoder, or it has code of its own, which no checkpoint holds.
    """
    name = type(model).__name__
    if is_lora(model):
        raise ConfigError(
            "model is wrapped by peft: merge its adapters first (model.merge_and_unload()), or pass the stock model "
            "and lora=LoraConfig(…)."
        )
    inner = next((child for child in model.children() if isinstance(child, PreTrainedModel)), None)
    if not isinstance(model, PreTrainedModel):
        raise ConfigError(
            f"model is a {name}, which is no model of transformers: pass "
            + (f"the {type(inner).__name__} in it." if inner is not None else "one, or a Hub id, a folder or a config.")
        )
    check_encoder(model.config, f"The given {name}")
    fault = next(_own_code(model), None)
    if fault is not None:
        raise ModelError(
            f"The given {name} has {fault}: a checkpoint holds weights alone, and would be loaded as the stock model. "
            "Pass a stock model, or write a recipe whose build_model returns this one (examples/new_recipe.py)."
        )


def _own_code(model: PreTrainedModel) -> Iterator[str]:
    """Yield what of a model is not in transformers' own of that config."""
    stock = _stock_class(model)
    if not stock.__module__.startswith(_MODELS):
        yield f"a class of its own ({stock.__module__}.{stock.__qualname__}), whose code may differ"
        return
    with init_empty_weights(), quiet_transformers():
        expected = dict(stock(copy.deepcopy(model.config)).named_modules())
    exchanged: list[str] = []
    for name, module in model.named_modules():
        own, usual = _stock_class(module), type(expected[name]) if name in expected else None
        if own is not usual and _is_exchanged(own, usual):
            exchanged.append(f"{name}.")
        elif own is not usual and not name.startswith(tuple(exchanged)):
            there = f"where the stock one has {usual.__name__}" if usual is not None else "which the stock one has not"
            yield f"a module {name} of class {own.__name__}, {there}"
        forward = vars(module).get("forward")
        if forward is not None and _function(forward) is not _function(type(module).forward):
            yield f"a forward of its own in {name or 'the model'}"


def _is_exchanged(own: type, usual: type | None) -> bool:
    """Whether transformers itself may have put one class in the place of the other, as BigBird does with attentions."""
    return own.__module__.startswith(_MODELS) and own.__module__ == getattr(usual, "__module__", None)


def _stock_class(module: nn.Module) -> type:
    """Return the class of a module, without that which the kit derives to skip padding."""
    given = type(module)
    return given.__mro__[1] if given.__module__.startswith(f"{_KIT}.") else given


def _function(method: Any) -> Any:
    """Return the function of a method, without the wrappers of accelerate, such as that of mixed precision."""
    unwrapped = inspect.unwrap(method)
    return inspect.unwrap(getattr(unwrapped, "__func__", unwrapped))


def save_given_model(model: PreTrainedModel, folder: Path) -> None:
    """Save a model into a folder, from which it loads like any checkpoint and is named as the object that it was."""
    with quiet_transformers():
        model.save_pretrained(folder)
    (folder / NAME_FILE).write_text(f"the given {type(model).__name__}", "utf-8")


def frozen_parameters(model: PreTrainedModel) -> frozenset[str]:
    """Return the parameters of a model that are not trained, by their names in the encoder or the head."""
    prefix = f"{model.base_model_prefix}."
    return frozenset(name.removeprefix(prefix) for name, value in model.named_parameters() if not value.requires_grad)


def keep_frozen(model: Any, frozen: frozenset[str]) -> int:
    """Freeze parameters that were frozen in the model that was given.

    Args:
        model: that is trained, wrapped by peft or not.
        frozen: of `frozen_parameters`.

    Returns:
        How many numbers are frozen by it.
    """
    stock = next((module for module in model.modules() if isinstance(module, PreTrainedModel)), None)
    prefix, count = "" if stock is None else f"{stock.base_model_prefix}.", 0
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and unwrapped_name(name).removeprefix(prefix) in frozen:
            parameter.requires_grad_(False)
            count += parameter.numel()
    return count
