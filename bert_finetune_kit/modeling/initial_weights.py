"""The weights that a run started from, kept on disk until they are compared with those that it ended with.

A copy in memory would cost as much as the model for the whole training. The checkpoint may be gone or changed by then,
and for randomly initialized weights and new heads there is no checkpoint. The copy has the precision of the weights: in
half the bytes, a change of less than 0.4% would round to none.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from transformers.utils import SAFE_WEIGHTS_NAME

from ..compat.peft import is_adapter
from .change import ParameterChange, compare_weights, count_adapters
from .checkpoint_files import checkpoint_weights
from .layers import module_of
from .weights import Weight, Weights, masked_head, total_count, weights_in, weights_of

INITIAL_WEIGHTS_FILE = "initial_weights.safetensors"
_METADATA_KEY = "initial_weights"


@dataclass(frozen=True)
class _Metadata:
    """What is stored beside the weights."""

    checkpoint: dict[str, tuple[int, ...]] | None
    """Shape of each parameter in the checkpoint by stock name; None without one, or if it is unreadable."""
    checkpoint_heads: list[str]
    """Names of those that are in heads."""
    trainable: list[str]
    """Modules with trainable parameters."""
    trained: int
    adapters: int
    from_scratch: bool


def save_initial_weights(model: nn.Module, model_name_or_path: str | None, folder: str | Path) -> Path:
    """Write the weights of a model before its training into `folder`, atomically.

    Args:
        model: with or without LoRA.
        model_name_or_path: the checkpoint it was loaded from; None if its weights were randomly initialized.
        folder: of the run.

    Raises:
        OSError, SafetensorError: they cannot be written.
    """
    delete_initial_weights(folder)
    weights = weights_of(model)
    checkpoint = None if model_name_or_path is None else checkpoint_weights(model_name_or_path)
    metadata = _Metadata(
        None if checkpoint is None else {name: weight.shape for name, weight in checkpoint.items()},
        [name for name, weight in (checkpoint or {}).items() if weight.in_head],
        sorted({module_of(name) for name, weight in weights.items() if weight.trainable}),
        total_count(weights.values(), trainable=True),
        count_adapters(weights),
        model_name_or_path is None,
    )
    tensors = {
        name: weight.read().contiguous()
        for name, weight in weights.items()
        if weight.read is not None and not is_adapter(name)
    }
    path = Path(folder) / INITIAL_WEIGHTS_FILE
    partial = _partial(path)
    save_file(tensors, partial, {_METADATA_KEY: json.dumps(asdict(metadata))})
    return partial.replace(path)


def has_initial_weights(folder: str | Path) -> bool:
    """Whether the folder of a run has its initial weights, and their file can be read."""
    try:
        _metadata(Path(folder) / INITIAL_WEIGHTS_FILE)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError):
        return False
    return True


def _metadata(path: Path) -> _Metadata:
    with safe_open(path, framework="pt") as file:
        return _Metadata(**json.loads(file.metadata()[_METADATA_KEY]))


def change_since_initial(folder: str | Path) -> ParameterChange | None:
    """Compare the model saved in `folder` with the run's initial weights; None if either is missing.

    Both are read from mapped files, one parameter at a time.
    """
    initial, saved = Path(folder) / INITIAL_WEIGHTS_FILE, Path(folder) / SAFE_WEIGHTS_NAME
    if not initial.exists() or not saved.exists():
        return None
    metadata = _metadata(initial)
    after = {
        name: replace(weight, trainable=module_of(name) in metadata.trainable)
        for name, weight in weights_in(saved).items()
    }
    before, unused_heads = checkpoint_parameters(weights_in(initial), metadata.checkpoint, metadata.checkpoint_heads)
    return compare_weights(
        before,
        after,
        unused_heads=unused_heads,
        trained=metadata.trained,
        adapters=metadata.adapters,
        from_scratch=metadata.from_scratch,
        checkpoint_head=masked_head(_stored(metadata.checkpoint or {}, metadata.checkpoint_heads)),
    )


def _stored(checkpoint: Mapping[str, Sequence[int]], heads: Collection[str]) -> dict[str, Weight]:
    return {name: Weight(tuple(shape), in_head=name in heads) for name, shape in checkpoint.items()}


def checkpoint_parameters(
    initial: Weights, checkpoint: Mapping[str, tuple[int, ...]] | None, heads: Collection[str] = ()
) -> tuple[dict[str, Weight], dict[str, int]]:
    """Return the parameters of a checkpoint, and the number of those in heads that the model does not have, by module.

    Args:
        initial: what the model started with, its new heads included.
        checkpoint: shape by name; None if all of `initial` counts. Parameters of the encoder count even if the model
            does not use them, those of heads only if the model has them.
        heads: names of those that are in heads.
    """
    if checkpoint is None:
        return dict(initial), {}
    modules = set(map(module_of, initial))
    before: dict[str, Weight] = {}
    unused_heads: dict[str, int] = {}
    for name, weight in _stored(checkpoint, heads).items():
        module = module_of(name)
        if name in initial and initial[name].shape == weight.shape:
            before[name] = initial[name]
        elif name not in heads or module in modules:
            before[name] = weight
        else:
            unused_heads[module] = unused_heads.get(module, 0) + weight.count
    return before, unused_heads


def delete_initial_weights(folder: str | Path) -> None:
    """Delete the file of `save_initial_weights`, complete or not."""
    path = Path(folder) / INITIAL_WEIGHTS_FILE
    path.unlink(missing_ok=True)
    _partial(path).unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_suffix(".part")
