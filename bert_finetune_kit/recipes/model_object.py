"""A model that is given as an object: kept in a folder of its own, from which it loads like any checkpoint."""

import shutil
import weakref
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from transformers import PreTrainedModel

from ..errors import ConfigError
from ..modeling.loading import quiet_transformers
from ..modeling.lora import is_lora


class ModelObject:
    """A model in memory, stored as it was when it was given; the object itself is never trained or changed.

    Args:
        model: a stock model of transformers, a `PreTrainedModel`.
        tokenizer: that it was given with.

    Raises:
        ConfigError: it has adapters, or there is no tokenizer with it.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        if is_lora(model):
            raise ConfigError(
                "model is wrapped by peft: merge its adapters first (model.merge_and_unload()), or pass the stock "
                "model and lora=LoraConfig(…)."
            )
        if tokenizer is None:
            raise ConfigError(
                f"model is a {type(model).__name__} in memory, which has no tokenizer with it: pass tokenizer=, too."
            )
        self.model = model
        self.path = Path(mkdtemp(prefix="bert_finetune_kit-"))  # deleted with this object
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        with quiet_transformers():
            model.save_pretrained(self.path)

    @property
    def name(self) -> str:
        """Name of its class."""
        return type(self.model).__name__


def model_object(model: Any, tokenizer: Any) -> ModelObject | None:
    """Return a model that was given as an object; none where a name, a path or a config was given."""
    return ModelObject(model, tokenizer) if isinstance(model, PreTrainedModel) or is_lora(model) else None
