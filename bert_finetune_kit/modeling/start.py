"""The weights that a run started from, kept on the disk until they are compared with those that it ended with.

A copy in memory would cost as much as the model for as long as the training lasts; the checkpoint given may be gone or
another one by then, and of fresh weights and new heads there is no checkpoint. The copy is as exact as the weights:
in half the bytes, a change of less than 0.4% would round to none.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from transformers.utils import SAFE_WEIGHTS_NAME

from .change import ParameterChange, compare_weights, module_of
from .weights import Weight, checkpoint_shapes, is_adapter, weights_in, weights_of

START_FILE = "start.safetensors"
# Of a checkpoint these count however a model uses them; of its heads only those that the model has.
_ENCODER = ("embeddings.", "encoder.", "pooler.")


def keep_start(model: Any, given: str | None, folder: str | Path) -> Path:
    """Write the weights of a model that is about to be trained into `folder`, whole or not at all.

    Args:
        model: with or without LoRA.
        given: the checkpoint it was loaded from; none where its weights were drawn at random.
        folder: of the run.

    Raises:
        OSError, SafetensorError: they cannot be written.
    """
    forget_start(folder)
    weights = weights_of(model)
    told = {
        "checkpoint": None if given is None else checkpoint_shapes(given),
        "fresh": given is None,
        "trainable": sorted({module_of(name) for name, weight in weights.items() if weight.trainable}),
        "trained": sum(weight.count for weight in weights.values() if weight.trainable),
        "adapters": sum(weight.count for name, weight in weights.items() if is_adapter(name)),
    }
    path = Path(folder) / START_FILE
    aside = path.with_suffix(".part")
    tensors = {
        name: weight.read().contiguous()
        for name, weight in weights.items()
        if weight.read is not None and not is_adapter(name)
    }
    save_file(tensors, aside, {"told": json.dumps(told)})
    return aside.replace(path)


def change_since_start(folder: str | Path) -> ParameterChange | None:
    """Compare the model that is saved in `folder` with what the run started from; none where one of them is not there.

    Both are read from mapped files, a parameter at a time.
    """
    start, saved = Path(folder) / START_FILE, Path(folder) / SAFE_WEIGHTS_NAME
    if not start.exists() or not saved.exists():
        return None
    with safe_open(start, framework="pt") as file:
        told = json.loads(file.metadata()["told"])
    learns = set(told["trainable"])
    after = {
        name: Weight(weight.shape, weight.read, module_of(name) in learns) for name, weight in weights_in(saved).items()
    }
    before, left_out = as_it_stands(weights_in(start), told["checkpoint"])
    known = {name: told[name] for name in ("trained", "adapters", "fresh")}
    return compare_weights(before, after, left_out=left_out, **known)


def as_it_stands(
    started: Mapping[str, Weight], checkpoint: Mapping[str, list[int]] | None
) -> tuple[dict[str, Weight], dict[str, int]]:
    """Return the parameters of the checkpoint as it stands, and by module those of heads that the model has not.

    Args:
        started: what the model started with, its new heads included.
        checkpoint: shape by name; none means that it started with all of `started`.
    """
    if checkpoint is None:
        return dict(started), {}
    modules = set(map(module_of, started))
    before: dict[str, Weight] = {}
    left_out: dict[str, int] = {}
    for name, sizes in checkpoint.items():
        weight = Weight(tuple(sizes))
        if name in started and started[name].shape == weight.shape:
            before[name] = started[name]
        elif name.startswith(_ENCODER) or module_of(name) in modules:
            before[name] = weight
        else:
            left_out[module_of(name)] = left_out.get(module_of(name), 0) + weight.count
    return before, left_out


def forget_start(folder: str | Path) -> None:
    """Delete what `keep_start` wrote, to its end or not."""
    path = Path(folder) / START_FILE
    for one in (path, path.with_suffix(".part")):
        one.unlink(missing_ok=True)
