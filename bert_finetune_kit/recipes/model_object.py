"""A model that is given as an object: kept in a folder of its own, from which it loads like any checkpoint."""

import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from torch import nn

from ..contract import BuiltModel
from ..errors import ConfigError
from ..modeling.given_model import check_given_model, frozen_parameters, keep_frozen, save_given_model
from ..modeling.precision import precision_notes


class ModelObject:
    """A model in memory, stored as it was when it was given; the object itself is never trained or changed.

    Args:
        model: a stock model of transformers, a `PreTrainedModel`.
        tokenizer: that it was given with.

    Raises:
        ConfigError: it is in a wrapper, or there is no tokenizer with it.
        ModelError: it is no encoder, or has code of its own.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        check_given_model(model)
        if tokenizer is None:
            raise ConfigError(
                f"model is a {type(model).__name__} in memory, which has no tokenizer with it: pass tokenizer=, too."
            )
        self.model = model
        self.frozen = frozen_parameters(model)
        self.path = Path(mkdtemp(prefix="bert_finetune_kit-"))  # deleted with this object
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        save_given_model(model, self.path)

    def fingerprint(self) -> dict[str, Any]:
        """Return what a run depends on beside the weights: the class, and what it keeps frozen."""
        frozen = {"model.frozen": sorted(self.frozen)} if self.frozen else {}
        return {"model": type(self.model).__name__} | frozen


def model_object(model: Any, tokenizer: Any) -> ModelObject | None:
    """Return a model that was given as an object; none where a name, a path or a config was given."""
    return ModelObject(model, tokenizer) if isinstance(model, nn.Module) else None


def as_given(built: BuiltModel, given: ModelObject | None) -> BuiltModel:
    """Return a model in which what the user has frozen is frozen, with notes of what else it starts from.

    Args:
        built: by the recipe.
        given: the object that it started from, if it was one.
    """
    notes = [*built.notes]
    if built.new_parts:
        notes.append(f"Newly initialized: {', '.join(built.new_parts)}")
    frozen = keep_frozen(built.model, given.frozen) if given is not None and given.frozen else 0
    if frozen:
        notes.append(f"{frozen:,} parameters are not trained: requires_grad is off in the given model")
    return replace(built, notes=(*notes, *precision_notes(built.model)))
