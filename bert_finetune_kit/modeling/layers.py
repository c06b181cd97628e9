"""Modules and encoder layers, by the names of parameters and modules."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from torch import nn

Item = TypeVar("Item")

# The list of an encoder's layers: `encoder.layer` in BERT, `layers` in ModernBERT, `encoder.albert_layer_groups`, …
# XLM keeps the parts of its layers in lists beside each other, whose modules of the same number are one layer.
_PARTS = "attentions|ffns|layer_norm[12]"
_LAYER = re.compile(rf"(?:^|\.)(?:\w*layers?|\w*layer_groups|blocks|(?P<part>{_PARTS}))\.(\d+)(?=\.|$)")
_EMBEDDINGS = re.compile(r"(?:^|\.)\w*embed(?:dings|_tokens)\w*(?=\.|$)")
_FIRST_MODULES = ("embeddings", "embed_tokens")  # of an encoder
# Modules from the input to the output; all others follow in the order in which they appear.
_ORDER = (
    "embeddings.word_embeddings", "embeddings.position_embeddings", "embeddings.token_type_embeddings", "embeddings",
    "encoder", "pooler",
)  # fmt: skip
_WITH_PARTS = ("embeddings", "encoder", "cls")  # modules whose parts are reported apart


def encoder_prefix(names: Iterable[str]) -> str:
    """Return what the names of an encoder's parameters begin with: nothing where there is no head beside it.

    >>> encoder_prefix(["bert.embeddings.LayerNorm.bias", "classifier.bias"]), encoder_prefix(["embeddings.bias"])
    ('bert.', '')
    """
    for name in names:
        first, _, rest = name.partition(".")
        if first in _FIRST_MODULES:
            return ""
        if rest.partition(".")[0] in _FIRST_MODULES:
            return f"{first}."
    return ""


def module_of(name: str) -> str:
    """Return the module that a parameter belongs to in reports.

    >>> [module_of(name) for name in ("encoder.layer.3.output.dense.bias", "cls.predictions.bias", "pooler.dense.bias")]
    ['encoder.layer.3', 'cls.predictions', 'pooler']
    >>> module_of("attentions.1.q_lin.weight"), module_of("ffns.1.lin1.bias")  # of XLM
    ('layers.1', 'layers.1')
    """
    parts = name.split(".")
    layer = _LAYER.search(name)
    if layer:
        return f"{name[: layer.start('part')]}layers.{layer[2]}" if layer["part"] else name[: layer.end()]
    return ".".join(parts[:-1][: 2 if parts[0] in _WITH_PARTS else 1]) or name


def layer_of(name: str) -> int | None:
    """Return the number of the encoder layer, from 0, that a module or parameter is in; None outside the layers.

    >>> layer_of("encoder.layer.3"), layer_of("distilbert.transformer.layer.11.ffn.lin1.bias"), layer_of("pooler")
    (3, 11, None)
    """
    match = _LAYER.search(name)
    return int(match[2]) if match else None


def is_in_embeddings(name: str) -> bool:
    """Return whether a parameter or module is in the embeddings, or in what maps them to the width of the layers.

    >>> is_in_embeddings("electra.embeddings_project.bias"), is_in_embeddings("encoder.layer.0.rel_embeddings.weight")
    (True, False)
    """
    return layer_of(name) is None and _EMBEDDINGS.search(name) is not None


def layer_count(names: Iterable[str]) -> int | None:
    """Return how many layers with weights of their own there are; none where two modules have lists of layers.

    Args:
        names: of all parameters. Layers that share all weights, as in ALBERT, have one set of names.

    >>> layer_count(["embeddings.weight", "layer.0.bias", "layer.1.bias"])
    2
    >>> layer_count(["encoder.layer.0.bias", "decoder.layer.0.bias"])
    """
    matches = [match for match in map(_LAYER.search, names) if match]
    parents = {match.string[: match.start()] for match in matches}
    return len({match[2] for match in matches}) if len(parents) < 2 else None


def encoder_layers(model: nn.Module) -> list[nn.Module]:
    """Return the layers of the encoder in `model`, the first one first; those that share all weights count once."""
    parts: dict[str, list[nn.Module]] = {}
    for name, module in model.named_modules():
        match = _LAYER.search(name)
        if match and match.end() == len(name):
            parts.setdefault(module_of(name), []).append(module)
    return [modules[0] if len(modules) == 1 else nn.ModuleList(modules) for modules in parts.values()]


def module_position(module: str) -> tuple[int, int]:
    """Return a key that sorts modules from the input to the output."""
    layer = layer_of(module)
    place = "encoder" if layer is not None else module
    rank = next((rank for rank, start in enumerate(_ORDER) if place.startswith(start)), len(_ORDER))
    return rank, layer or 0


def group_runs(items: Iterable[Item], continues: Callable[[Item, Item], bool]) -> list[list[Item]]:
    """Divide items into runs of consecutive items.

    Args:
        items: in their order.
        continues: (previous item, item) → whether the item belongs to the run of the previous one.

    >>> group_runs([0, 1, 2, 5, 6], lambda previous, item: item == previous + 1)
    [[0, 1, 2], [5, 6]]
    """
    runs: list[list[Item]] = []
    for item in items:
        if runs and continues(runs[-1][-1], item):
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs
