"""Encoders that compute each token alone but for their attention, and subclasses of them with another forward."""

import inspect
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import transformers
from torch import nn
from transformers import PreTrainedModel

from ..compat.transformers import register_recorded_outputs

EncoderClass = type[PreTrainedModel]
Forward = Callable[..., Any]

STOCK_ATTENTION = "sdpa"
"""The attention of transformers that the kit's own attention functions stand in for."""
ENCODERS = frozenset({
    "AlbertModel", "BertModel", "CamembertModel", "Data2VecTextModel", "DistilBertModel", "ElectraModel", "ErnieModel",
    "EuroBertModel", "GteModel", "JinaEmbeddingsV3Model", "ModernBertModel", "NomicBertModel", "RoCBertModel",
    "RobertaModel", "RobertaPreLayerNormModel", "UltrabertModel", "XLMRobertaModel", "XLMRobertaXLModel", "XmodModel",
})  # fmt: skip
"""Names of the classes in transformers of which all of this is true:

- tokens meet in attention alone, which goes through transformers' attention interface with all keyword arguments;
- where a token stands is read from `position_ids`;
- local attention is an argument of the attention function (`sliding_window`), not a mask alone.

A further encoder takes one entry here. MobileBERT is not among them because its embeddings read neighbouring tokens.
"""


def stock_encoders(model: nn.Module) -> list[Any]:
    """Return the modules in `model` whose class is exactly one of `ENCODERS`."""
    return [
        module
        for module in model.modules()
        if type(module).__name__ in ENCODERS and type(module).__module__.startswith("transformers.models.")
    ]


def derive_encoder(name: str, forward: Forward, module: str) -> EncoderClass:
    """Return a subclass of an encoder with another forward; the same one in each call.

    A subclass has the name of the stock class, because `save_pretrained` writes the names of classes and reports show
    them. It becomes an attribute of `module`, where pickle looks for it. It is derived when it is first used, since
    each stock class takes an import.

    Args:
        name: of the stock class, one of `ENCODERS`.
        forward: `forward(self, stock_forward, inputs)`; `stock_forward` is the stock method bound to `self`, and
            `inputs` are the arguments by name.
        module: `__name__` of the module that calls this.
    """
    derived = vars(sys.modules[module])
    if name not in derived:
        stock = getattr(transformers, name)
        attributes = {"__module__": module, "__doc__": forward.__doc__, "forward": _bind(forward, stock)}
        derived[name] = type(name, (stock,), attributes)
        register_recorded_outputs(derived[name])
    return derived[name]


def _bind(forward: Forward, stock: EncoderClass) -> Forward:
    signature = inspect.signature(stock.forward)
    _, *names = signature.parameters  # without self

    def derived_forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return forward(self, partial(stock.forward, self), dict(zip(names, args, strict=False)) | kwargs)

    # The Trainer chooses the columns of a data set by the signature.
    derived_forward.__signature__ = signature  # type: ignore[attr-defined]
    return derived_forward


def modules_of(model: nn.Module, classes: Iterable[type]) -> list[Any]:
    """Return the modules in `model` whose class is exactly one of `classes`."""
    exact = set(classes)
    return [module for module in model.modules() if type(module) in exact]


def switch_class(modules: Iterable[nn.Module], to: type) -> None:
    """Replace the class of each module, and nothing else of it."""
    for module in modules:
        object.__setattr__(module, "__class__", to)  # past `nn.Module`, which looks for tensors and takes long
