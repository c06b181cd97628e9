"""What one model has that another has not, and how far the weights that both have lie apart."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import BertConfig

from .explanation import explain
from .weights import Weight, is_adapter, weights_of

# Modules of BERT from the input to the output; others come after them as they come.
_ORDER = (
    "embeddings.word_embeddings", "embeddings.position_embeddings", "embeddings.token_type_embeddings", "embeddings",
    "encoder", "pooler",
)  # fmt: skip
_PART = 1 << 20  # numbers that are compared at once: memory stays flat


@dataclass(frozen=True)
class ModuleChange:
    """One module before and after."""

    name: str
    """Such as `embeddings.word_embeddings`, `encoder.layer.0`, `pooler`, `classifier`."""
    layer: int | None
    """Number of the layer, from 0; none outside of the layers."""
    before: int
    """Parameters that it had."""
    after: int
    """Parameters that it has."""
    added: int
    """Parameters that are new in it."""
    removed: int
    """Parameters that are gone from it."""
    moved: float | None
    """‖after - before‖ / ‖before‖ over the parameters that both have; none where they have none, where one side has
    no numbers or some that are not finite, and where all began at 0."""
    trainable: bool
    """Whether any of its parameters after learns (with LoRA: itself, or by a matrix beside it)."""


@dataclass(frozen=True)
class ParameterChange:
    """What a model has more or less than another, by the names of its parameters and by module."""

    before: int
    after: int
    added: dict[str, int]
    """Parameters of each new name."""
    removed: dict[str, int]
    """Parameters of each name that is gone."""
    resized: dict[str, tuple[int, int]]
    """Parameters before and after of each name of another size."""
    modules: list[ModuleChange] = field(default_factory=list)
    """From the input to the output."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Parameters by module of heads in the checkpoint that the model has no place for; `before` is without them."""
    trained: int = 0
    """Parameters that learn, the matrices of LoRA among them."""
    adapters: int = 0
    """Parameters in the matrices of LoRA: in `after`, or merged into it."""
    fresh: bool = False
    """Whether all weights before were drawn at random."""

    def explain(self) -> str:
        """Return a paragraph that says in plain words what changed."""
        return " ".join(explain(self))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with the sentences of the explanation."""
        return {**asdict(self), "explanation": explain(self)}

    def __str__(self) -> str:
        lines = [f"{self.before:,} → {self.after:,} ({self.after - self.before:+,})"]
        has_moved = any(module.moved is not None for module in self.modules)
        for name, module in _folded(self.modules):
            line = f"  {name:<34}{module.before:>12,}{module.after:>13,}{module.after - module.before:>+11,}"
            if has_moved:
                line += f"{'' if module.moved is None else f'{module.moved:.3%}':>11}"
            lines.append(line + ("" if module.trainable or not module.after else "  frozen"))
        return "\n".join(lines)


Model = nn.Module | BertConfig | str | Path


def compare_parameters(before: Model, after: Model) -> ParameterChange:
    """Compare two models; tied weights count once, the encoder's names are without `bert.`.

    Args:
        before: any module, a `BertConfig` for the encoder with its pooler, or a folder that holds model.safetensors.
        after: the same. Of one wrapped by peft the weights are compared with what LoRA adds to them.

    Raises:
        ConfigError: one of them is none of these.

    >>> import torch
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> with torch.device("meta"):
    ...     classifier = BertForSequenceClassification(BertConfig())
    >>> print(compare_parameters(BertConfig(), classifier))
    109,482,240 → 109,483,778 (+1,538)
      embeddings.word_embeddings          23,440,896   23,440,896         +0
      embeddings.position_embeddings         393,216      393,216         +0
      embeddings.token_type_embeddings         1,536        1,536         +0
      embeddings.LayerNorm                     1,536        1,536         +0
      encoder.layer.0-11 (12 ×)            7,087,872    7,087,872         +0
      pooler                                 590,592      590,592         +0
      classifier                                   0        1,538     +1,538
    """
    old, new = weights_of(before), weights_of(after)
    return compare_weights(
        old,
        new,
        trained=sum(weight.count for weight in new.values() if weight.trainable),
        adapters=sum(weight.count for name, weight in new.items() if is_adapter(name)),
    )


def compare_weights(before: Mapping[str, Weight], after: Mapping[str, Weight], **told: Any) -> ParameterChange:
    """Compare parameters by name.

    Args:
        before: by stock name.
        after: by stock name.
        told: what is known besides, by the names of `ParameterChange`.
    """
    modules = sorted(dict.fromkeys(map(module_of, [*before, *after])), key=_place)
    return ParameterChange(
        sum(weight.count for weight in before.values()),
        sum(weight.count for weight in after.values()),
        {name: weight.count for name, weight in after.items() if name not in before},
        {name: weight.count for name, weight in before.items() if name not in after},
        {
            name: (before[name].count, weight.count)
            for name, weight in after.items()
            if name in before and before[name].count != weight.count
        },
        [_compare_module(name, _only(before, name), _only(after, name)) for name in modules],
        **told,
    )


def module_of(name: str) -> str:
    """Return the module to which a parameter belongs in a comparison.

    >>> [module_of(name) for name in ("encoder.layer.3.output.dense.bias", "cls.predictions.bias", "pooler.dense.bias")]
    ['encoder.layer.3', 'cls.predictions', 'pooler']
    """
    parts = name.split(".")
    depth = 3 if name.startswith("encoder.layer.") else 2 if parts[0] in ("embeddings", "cls") else 1
    return ".".join(parts[:-1][:depth]) or name


def layer_of(module: str) -> int | None:
    """Return the number of the layer that a module is."""
    found = re.fullmatch(r"encoder\.layer\.(\d+)", module)
    return int(found[1]) if found else None


def _place(module: str) -> tuple[int, int]:
    rank = next((rank for rank, start in enumerate(_ORDER) if module.startswith(start)), len(_ORDER))
    return rank, layer_of(module) or 0


def _only(weights: Mapping[str, Weight], module: str) -> dict[str, Weight]:
    return {name: weight for name, weight in weights.items() if module_of(name) == module}


def _compare_module(name: str, before: Mapping[str, Weight], after: Mapping[str, Weight]) -> ModuleChange:
    old, new = (sum(weight.count for weight in side.values()) for side in (before, after))
    growth = [
        (after[one].count if one in after else 0) - (before[one].count if one in before else 0)
        for one in dict.fromkeys([*before, *after])
    ]
    return ModuleChange(
        name,
        layer_of(name),
        old,
        new,
        sum(count for count in growth if count > 0),
        -sum(count for count in growth if count < 0),
        _moved((weight, after[one]) for one, weight in before.items() if one in after),
        any(weight.trainable for weight in after.values()),
    )


def _moved(pairs: Iterable[tuple[Weight, Weight]]) -> float | None:
    """Return the relative change of the norm; of a parameter that has got more or fewer rows, of those it had."""
    way = norm = 0.0
    compared = False
    for old, new in pairs:
        if old.read is None or new.read is None or old.shape[1:] != new.shape[1:]:
            continue
        compared = True
        for ours, theirs in _parts(old.read(), new.read()):
            way += float((theirs.double() - ours.double()).square().sum())
            norm += float(ours.double().square().sum())
    if not compared or not math.isfinite(way) or not math.isfinite(norm):
        return None
    return math.sqrt(way / norm) if norm else (None if way else 0.0)


def _parts(old: Tensor, new: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    shared = min(old.numel(), new.numel())
    return zip(old.flatten()[:shared].split(_PART), new.flatten()[:shared].split(_PART), strict=True)


def _folded(modules: Iterable[ModuleChange]) -> Iterator[tuple[str, ModuleChange]]:
    """Yield modules under the name to show, runs of layers that differ by their number alone as one."""
    runs: list[list[ModuleChange]] = []
    for module in modules:
        if runs and _alike(runs[-1][-1]) == _alike(module) and module.layer:
            runs[-1].append(module)
        else:
            runs.append([module])
    for run in runs:
        yield run[0].name if len(run) == 1 else f"{run[0].name}-{run[-1].layer} ({len(run)} ×)", run[0]


def _alike(module: ModuleChange) -> tuple[Any, ...]:
    where = None if module.layer is None else "layer"
    return (where, module.before, module.after, module.added, module.removed, module.moved, module.trainable)
