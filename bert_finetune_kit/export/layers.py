"""Which module of a model each node of its program comes from, and which nodes stay in fp32."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from ..errors import ConfigError

_SCOPES = "pkg.torch.onnx.name_scopes"
_QUANTIZED = ("MatMul", "Gemm", "Gather")
_NUMBERED = re.compile(r"^(.*?\.\d+)(?:\.|$)")


@dataclass(frozen=True)
class Quantized:
    """Which layers are quantized."""

    keep_fp32: tuple[str, ...] = ()
    """Modules that stay in fp32 with all they contain, such as `encoder.layer.0`."""
    only: str | None = None
    """The one layer that is quantized, to see what it does; none means all that are not kept."""


def onnx_layers(program: Any) -> dict[str, str]:
    """Return the module of each node of an ONNX program that multiplies or looks up weights, by name of the node."""
    layers = {}
    for node in program.graph:
        scopes = node.metadata_props.get(_SCOPES)
        if node.op_type in _QUANTIZED and scopes:
            modules = [scope for scope in ast.literal_eval(scopes)[:-1] if scope]  # the last one is the operation
            if modules:
                layers[node.name] = modules[-1]
    return layers


@torch.no_grad()
def openvino_layers(program: Any, model: nn.Module, sample: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """Return the module of each node of an OpenVINO program that multiplies or looks up weights, by name of the node.

    The exporter numbers linear layers and embeddings in the order in which they are computed.

    Args:
        program: of the model.
        model: whose forward shows the order.
        sample: a batch.
    """
    order: dict[str, list[str]] = {"linear": [], "embedding": []}
    kinds: dict[type[nn.Module], str] = {nn.Linear: "linear", nn.Embedding: "embedding"}
    hooks = []
    for name, module in model.named_modules():
        kind = next((kind for parent, kind in kinds.items() if isinstance(module, parent)), None)
        if kind is not None:
            hooks.append(module.register_forward_hook(lambda *_, kind=kind, name=name: order[kind].append(name)))
    try:
        model(**sample)
    finally:
        for hook in hooks:
            hook.remove()
    layers = {}
    for node in program.get_ordered_ops():
        match = re.match(r"(linear|embedding)_(\d+)/", node.get_friendly_name())
        if match and node.get_type_name() in _QUANTIZED and int(match[2]) < len(order[match[1]]):
            layers[node.get_friendly_name()] = order[match[1]][int(match[2])]
    return layers


def layer_of(module: str) -> str:
    """Return the layer that a module is a part of.

    >>> layer_of("bert.encoder.layer.3.attention.self.query"), layer_of("bert.pooler.dense"), layer_of("classifier")
    ('bert.encoder.layer.3', 'bert.pooler', 'classifier')
    """
    numbered = _NUMBERED.match(module)
    return numbered[1] if numbered else ".".join(module.split(".")[:2])


def layer_names(modules: Iterable[str]) -> list[str]:
    """Return the names of the layers that modules are parts of, in their order."""
    return list(dict.fromkeys(map(layer_of, modules)))


def weighted_modules(model: nn.Module) -> list[str]:
    """Return the modules of a model with a matrix of weights, which int8 can change, in their order."""
    return [
        name
        for name, module in model.named_modules()
        if any(parameter.ndim > 1 for parameter in module.parameters(recurse=False))
    ]


def check_kept(keep_fp32: Sequence[str], modules: Sequence[str]) -> None:
    """Check that the modules to keep in fp32 exist, and that others are left to quantize.

    Args:
        keep_fp32: names, as in `Quantized`.
        modules: that int8 can change.

    Raises:
        ConfigError: one of them does not, and the message has similar names, and the layers of the model; or they are
            all layers of the model.
    """
    unknown = [name for name in keep_fp32 if not any(_is_in(module, name) for module in modules)]
    if not unknown:
        _check_left(keep_fp32, modules)
        return
    kind = "is no layer" if len(unknown) == 1 else "are no layers"
    part = max(modules, key=len, default="")
    raise ConfigError(
        f"keep_fp32 names {' and '.join(map(repr, unknown))}, which {kind} of the model that int8 changes"
        f"{_similar(unknown, modules)}: use {', '.join(layer_names(modules))}, or a part of one, such as {part}."
    )


def _check_left(keep_fp32: Sequence[str], modules: Sequence[str]) -> None:
    if not keep_fp32 or not all(any(_is_in(module, name) for name in keep_fp32) for module in modules):
        return
    raise ConfigError(
        f"keep_fp32 names {' and '.join(map(repr, keep_fp32))}, which are all layers that int8 changes, so that "
        "nothing is left to quantize: keep fewer layers, or leave out quantize and keep_fp32 for a model in fp32."
    )


def _similar(unknown: Iterable[str], modules: Iterable[str]) -> str:
    """Return a question with similar names, which may leave out how a path begins or ends; nothing without any.

    >>> _similar(["poler"], ["bert.encoder.layer.1.output.dense", "bert.pooler.dense"])
    " (did you mean 'pooler'?)"
    """
    paths = [module.split(".") for module in modules]
    names = {
        ".".join(path[start:end])
        for path in paths
        for start in range(len(path))
        for end in range(start + 1, len(path) + 1)
        if not path[start].isdigit()
    }
    found = [match for name in unknown for match in get_close_matches(str(name), sorted(names), 3, 0.8)]
    return f" (did you mean {' or '.join(map(repr, dict.fromkeys(found)))}?)" if found else ""


def to_keep(layers: Mapping[str, str], quantize: Quantized) -> list[str]:
    """Return the names of the nodes that stay in fp32.

    Args:
        layers: node → module.
        quantize: which layers to quantize.
    """
    return [
        node
        for node, module in layers.items()
        if any(_is_in(module, name) for name in quantize.keep_fp32)
        or (quantize.only is not None and layer_of(module) != quantize.only)
    ]


def _is_in(module: str, name: str) -> bool:
    """Whether a module is one of a name, or a part of it; the name may leave out how the path begins.

    >>> [_is_in(module, "encoder.layer.1") for module in ("bert.encoder.layer.1.output", "bert.encoder.layer.10")]
    [True, False]
    """
    return f".{name}." in f".{module}."
