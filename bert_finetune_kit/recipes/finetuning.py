"""What fine-tuning recipes share: default hyperparameters, checks, the model with its frozen parts and adapters."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn
from transformers import EarlyStoppingCallback, TrainerCallback, TrainingArguments

from ..contract import BuiltModel, Forward, PreparedData
from ..data.vocabulary import vocabulary_notes, vocabulary_size
from ..modeling.architecture import head_modules
from ..modeling.finetuning_config import FineTuningConfig
from ..modeling.loading import checkpoint_config, config_from_scratch, initial_config
from ..modeling.trainable import make_trainable
from ..training.few_examples import Suggested

# Learning rates: of LoRA's adapters, and of new weights narrower than BERT-base.
_LORA_RATE, _SMALL_RATE, _BASE_WIDTH = 5e-4, 1e-3, 768


def default_hyperparameters(model: Any, lora: bool, sample_args: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the Trainer arguments that depend on what is trained.

    Args:
        model: as the recipe takes it.
        lora: whether adapters are trained.
        sample_args: those of small models on the bundled sample, where that is trained on.
    """
    if sample_args is not None and is_small(model):
        return dict(sample_args)
    epochs = {"num_train_epochs": Suggested(TrainingArguments.num_train_epochs)}
    if lora:
        return epochs | {"learning_rate": _LORA_RATE}
    if config_from_scratch(model, vocab_size=1) is not None and is_small(model):
        return epochs | {"learning_rate": _SMALL_RATE}
    return epochs | {"learning_rate": Suggested(TrainingArguments.learning_rate)}


def is_small(model: Any) -> bool:
    """Return whether a model is narrower than BERT-base: that of the sample, a size, a config, a model, a local folder.

    A model on the Hub counts as large, so that nothing is loaded for the answer.
    """
    if model is None:
        return True
    is_module = isinstance(model, nn.Module)
    config: Any = getattr(model, "config", None) if is_module else config_from_scratch(model, vocab_size=1)
    if config is None and not is_module and Path(str(model)).is_dir():
        config = checkpoint_config(str(model))
    return bool(getattr(config, "hidden_size", _BASE_WIDTH) < _BASE_WIDTH)


def finetuning_faults(args: TrainingArguments, config: FineTuningConfig, model: Any, lora: Any) -> list[str]:
    """Return what is missing or cannot work in the settings of a fine-tuning.

    Args:
        args: the Trainer's arguments.
        config: settings of the recipe.
        model: what to start from, as the recipe was given it.
        lora: peft's `LoraConfig` or none.

    Raises:
        ModelError: the model cannot be loaded.
    """
    faults = []
    if model is None:
        faults.append(
            "there is no model: give a Hub id such as google-bert/bert-base-uncased, the folder of a run, or a size by "
            "name (tiny, mini, …) for new weights"
        )
    else:
        faults += config.model_faults(initial_config(model))
    if config.early_stopping_patience is not None and not args.load_best_model_at_end:
        faults.append(
            "early_stopping_patience is set without load_best_model_at_end: the weights of the last evaluations, which "
            "were no better, would be kept; set load_best_model_at_end=True"
            + (", and eval_strategy to 'epoch' or 'steps'" if args.eval_strategy == "no" else "")
        )
    if lora is not None and config.freeze_layers:
        faults.append("freeze_layers is set with LoRA, which freezes all: use LoraConfig's layers_to_transform")
    return faults


def early_stopping(config: FineTuningConfig) -> list[TrainerCallback]:
    """Return the callback that stops a run whose score no longer improves, if that is asked for."""
    patience = config.early_stopping_patience
    return [] if patience is None else [EarlyStoppingCallback(early_stopping_patience=patience)]


def build_trainable(
    data: PreparedData,
    config: FineTuningConfig,
    lora: Any,
    build: Callable[[], tuple[Any, list[str]]],
    forward: Forward,
) -> BuiltModel:
    """Return a model whose frozen parts are frozen, with adapters where LoRA is asked for.

    Args:
        data: of the run.
        config: what to freeze.
        lora: peft's `LoraConfig` or none.
        build: returns the model and the modules whose weights are new.
        forward: model and batch → outputs of the examples.

    Raises:
        ModelError: the tokenizer and the model do not match.
    """
    size = vocabulary_size(data.tokenizer)
    model_config = initial_config(data.initial_model, size)
    notes = vocabulary_notes(data.tokenizer, model_config.vocab_size)
    model, new = build()
    heads = [*head_modules(model), *(part for part in new if part.endswith("pooler"))]  # LoRA trains them as a whole
    trained = make_trainable(model, heads, lora, config.freeze_embeddings, config.freeze_layers)
    return BuiltModel(trained, tuple(new), forward, notes)
