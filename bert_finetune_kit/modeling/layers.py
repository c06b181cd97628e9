"""Modules and encoder layers, by the names of parameters and modules."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from torch import nn

Item = TypeVar("Item")

_LAYER = re.compile(r"(?:^|\.)layer\.(\d+)(?=\.|$)")
# Modules of BERT from the input to the output; all others follow in the order in which they appear.
_ORDER = (
    "embeddings.word_embeddings", "embeddings.position_embeddings", "embeddings.token_type_embeddings", "embeddings",
    "encoder", "pooler",
)  # fmt: skip


def module_of(name: str) -> str:
    """Return the module that a parameter belongs to in reports.

    >>> [module_of(name) for name in ("encoder.layer.3.output.dense.bias", "cls.predictions.bias", "pooler.dense.bias")]
    ['encoder.layer.3', 'cls.predictions', 'pooler']
    """
    parts = name.split(".")
    depth = 3 if name.startswith("encoder.layer.") else 2 if parts[0] in ("embeddings", "cls") else 1
    return ".".join(parts[:-1][:depth]) or name


def layer_of(name: str) -> int | None:
    """Return the number of the encoder layer, from 0, that a module or parameter is in; None outside the layers.

    >>> layer_of("encoder.layer.3"), layer_of("bert.encoder.layer.11.output.dense.bias"), layer_of("pooler")
    (3, 11, None)
    """
    match = _LAYER.search(name)
    return int(match[1]) if match else None


def encoder_layers(model: nn.Module) -> list[nn.Module]:
    """Return the layers of the encoder in `model`, the first one first."""
    matches = ((_LAYER.search(name), module) for name, module in model.named_modules())
    return [module for match, module in matches if match and match.end() == len(match.string)]


def module_position(module: str) -> tuple[int, int]:
    """Return a key that sorts modules from the input to the output."""
    rank = next((rank for rank, start in enumerate(_ORDER) if module.startswith(start)), len(_ORDER))
    return rank, layer_of(module) or 0


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
