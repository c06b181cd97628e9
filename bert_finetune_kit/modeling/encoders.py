"""Encoders of BERT's form, and subclasses of them with another forward that models in memory can switch to."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import transformers
from torch import nn
from transformers import PreTrainedModel

from ..compat.transformers import register_recorded_outputs

EncoderClass = type[PreTrainedModel]
Forward = Callable[..., Any]

ENCODERS: tuple[EncoderClass, ...] = (transformers.BertModel, transformers.RobertaModel, transformers.ElectraModel)
"""Encoders made of `embeddings`, an `encoder` whose layers use transformers' attention interface, and at most a
`pooler` and an `embeddings_project` around them. A further encoder of this form takes one entry here."""


def derive_encoders(forward: Forward, module: str) -> dict[EncoderClass, EncoderClass]:
    """Return a subclass of each encoder by its stock class.

    A subclass has the name of the stock class, because `save_pretrained` writes the names of classes and reports show
    them. It becomes an attribute of `module`, where pickle looks for it.

    Args:
        forward: `forward(self, stock_forward, *args, **kwargs)`; `stock_forward` is the stock method bound to `self`.
        module: `__name__` of the module that calls this.
    """
    derived: dict[EncoderClass, EncoderClass] = {}
    for stock in ENCODERS:
        attributes = {"__module__": module, "__doc__": forward.__doc__, "forward": _bind(forward, stock)}
        derived[stock] = type(stock.__name__, (stock,), attributes)
        register_recorded_outputs(derived[stock])
        setattr(sys.modules[module], stock.__name__, derived[stock])
    return derived


def _bind(forward: Forward, stock: EncoderClass) -> Forward:
    def derived_forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return forward(self, partial(stock.forward, self), *args, **kwargs)

    # The Trainer chooses the columns of a data set by the signature.
    derived_forward.__signature__ = inspect.signature(stock.forward)  # type: ignore[attr-defined]
    return derived_forward


def modules_of(model: nn.Module, classes: Iterable[type]) -> list[Any]:
    """Return the modules in `model` whose class is exactly one of `classes`."""
    exact = set(classes)
    return [module for module in model.modules() if type(module) in exact]


def switch_class(modules: Iterable[nn.Module], classes: Mapping[type, type]) -> None:
    """Replace the class of each module, and nothing else of it."""
    for module in modules:
        module.__class__ = classes[type(module)]
