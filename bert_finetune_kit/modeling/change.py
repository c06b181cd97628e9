"""What differs between two models: parameters by name and module, and how much shared weights changed."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn
from transformers import PretrainedConfig

from ..compat.peft import is_adapter
from .layers import group_runs, layer_of, module_of, module_position
from .weights import MaskedHead, Weight, Weights, masked_head, total_count, weights_of

_CHUNK = 1 << 20  # elements that are compared at once, so that memory stays constant


@dataclass(frozen=True)
class ModuleChange:
    """One module before and after."""

    name: str
    """Such as `embeddings.word_embeddings`, `encoder.layer.0`, `pooler`, `classifier`."""
    layer: int | None
    """Number of the layer, from 0; None outside the layers."""
    before: int
    """Parameters before."""
    after: int
    """Parameters after."""
    added: int
    """Parameters that only exist after."""
    removed: int
    """Parameters that only exist before."""
    relative_change: float | None
    """‖after - before‖ / ‖before‖ over the parameters that both have. None if there are none, if one side has no values
    or values that are not finite, and if all were 0 before."""
    trainable: bool
    """Whether any of its parameters after is trainable; with LoRA: itself, or an adapter of it."""


@dataclass(frozen=True)
class ParameterChange:
    """What differs between two models, by parameter and by module. `str()` returns a table of the modules."""

    before: int
    after: int
    added: dict[str, int]
    """Parameters of each name that only exists after."""
    removed: dict[str, int]
    """Parameters of each name that only exists before."""
    resized: dict[str, tuple[int, int]]
    """Parameters before and after of each name whose size differs."""
    modules: list[ModuleChange] = field(default_factory=list)
    """From the input to the output."""
    unused_heads: dict[str, int] = field(default_factory=dict)
    """Parameters by module of heads in the checkpoint that the model does not have; `before` excludes them."""
    trained: int = 0
    """Trainable parameters, LoRA adapters included."""
    adapters: int = 0
    """Parameters in LoRA adapters: in `after`, or merged into its weights."""
    from_scratch: bool = False
    """Whether all weights before were randomly initialized."""
    heads: tuple[str, ...] = ()
    """Modules that are in a head, before or after."""
    masked_head: tuple[str, ...] = ()
    """Modules of a head for masked tokens, before or after, or in the checkpoint."""
    tied_decoder: bool = False
    """Whether the decoder of that head is the matrix of the word embeddings."""

    def __str__(self) -> str:
        lines = [f"{self.before:,} → {self.after:,} ({self.after - self.before:+,})"]
        measured = any(module.relative_change is not None for module in self.modules)
        for run in group_runs(self.modules, _is_equal_layer):
            module = run[0]
            name = module.name if len(run) == 1 else f"{module.name}-{run[-1].layer} ({len(run)} ×)"
            line = f"  {name:<34}{module.before:>12,}{module.after:>13,}{module.after - module.before:>+11,}"
            if measured:
                line += f"{'' if module.relative_change is None else f'{module.relative_change:.3%}':>11}"
            lines.append(line + ("" if module.trainable or not module.after else "  frozen"))
        return "\n".join(lines)


Model = nn.Module | PretrainedConfig | str | Path


def compare_parameters(before: Model, after: Model) -> ParameterChange:
    """Compare two models; tied weights count once, names in the encoder have no prefix such as `bert.`.

    Args:
        before: any module, a config for the encoder with its pooler, or a folder that contains model.safetensors.
        after: the same. Weights of a model wrapped by peft include the product of their adapters.

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
    new = weights_of(after)
    trained, adapters = total_count(new.values(), trainable=True), count_adapters(new)
    return compare_weights(weights_of(before), new, trained=trained, adapters=adapters)


def count_adapters(weights: Weights) -> int:
    """Return the number of parameters in LoRA adapters."""
    return total_count(weight for name, weight in weights.items() if is_adapter(name))


def compare_weights(
    before: Weights,
    after: Weights,
    unused_heads: Mapping[str, int] | None = None,
    trained: int = 0,
    adapters: int = 0,
    from_scratch: bool = False,
    checkpoint_head: MaskedHead | None = None,
) -> ParameterChange:
    """Compare parameters by name.

    Args:
        before: by stock name.
        after: by stock name.
        unused_heads: and what follows: as in `ParameterChange`.
        trained: number of trainable parameters.
        adapters: number of parameters in adapters.
        from_scratch: whether the weights before were randomly initialized.
        checkpoint_head: the head for masked tokens in a checkpoint with further weights.
    """
    head = next(
        (head for head in (checkpoint_head, masked_head(before), masked_head(after)) if head and head.modules),
        MaskedHead(),
    )
    modules = sorted(dict.fromkeys(map(module_of, [*before, *after])), key=module_position)
    return ParameterChange(
        total_count(before.values()),
        total_count(after.values()),
        {name: weight.count for name, weight in after.items() if name not in before},
        {name: weight.count for name, weight in before.items() if name not in after},
        {
            name: (before[name].count, weight.count)
            for name, weight in after.items()
            if name in before and before[name].count != weight.count
        },
        [_compare_module(name, _in_module(before, name), _in_module(after, name)) for name in modules],
        dict(unused_heads or {}),
        trained,
        adapters,
        from_scratch,
        tuple(module for module in modules if _is_head(before, module) or _is_head(after, module)),
        head.modules,
        head.is_tied,
    )


def _is_head(weights: Weights, module: str) -> bool:
    return any(weight.in_head for weight in _in_module(weights, module).values())


def _in_module(weights: Weights, module: str) -> dict[str, Weight]:
    return {name: weight for name, weight in weights.items() if module_of(name) == module}


def _compare_module(module: str, before: Weights, after: Weights) -> ModuleChange:
    missing = Weight((0,))
    growth = [
        after.get(name, missing).count - before.get(name, missing).count for name in dict.fromkeys([*before, *after])
    ]
    return ModuleChange(
        module,
        layer_of(module),
        total_count(before.values()),
        total_count(after.values()),
        sum(count for count in growth if count > 0),
        -sum(count for count in growth if count < 0),
        _relative_change((weight, after[name]) for name, weight in before.items() if name in after),
        any(weight.trainable for weight in after.values()),
    )


def _relative_change(pairs: Iterable[tuple[Weight, Weight]]) -> float | None:
    """Return ‖after - before‖ / ‖before‖; of a parameter whose number of rows differs, over the rows that both have."""
    difference = norm = 0.0
    compared = False
    for before, after in pairs:
        if before.read is None or after.read is None or before.shape[1:] != after.shape[1:]:
            continue
        compared = True
        for old, new in _chunks(before.read(), after.read()):
            difference += float((new.double() - old.double()).square().sum())
            norm += float(old.double().square().sum())
    if not compared or not math.isfinite(difference) or not math.isfinite(norm):
        return None
    return math.sqrt(difference / norm) if norm else (None if difference else 0.0)


def _chunks(before: Tensor, after: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    shared = min(before.numel(), after.numel())
    return zip(before.flatten()[:shared].split(_CHUNK), after.flatten()[:shared].split(_CHUNK), strict=True)


def _is_equal_layer(previous: ModuleChange, module: ModuleChange) -> bool:
    if previous.layer is None or module.layer is None or module.layer != previous.layer + 1:
        return False
    fields = ("before", "after", "added", "removed", "relative_change", "trainable")
    return all(getattr(previous, name) == getattr(module, name) for name in fields)
