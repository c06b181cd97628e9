"""What every fine-tuning asks of the Trainer: a learning rate, the best checkpoint by a score, early stopping."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, TrainerCallback, TrainingArguments

from ..errors import ConfigError
from ..modeling.finetuning import FineTuningConfig
from ..modeling.loading import bert_config, checkpoint_config

# Learning rates: of weights that exist, of LoRA's adapters, and of fresh weights narrower than BERT-base.
_TUNED_RATE, _LORA_RATE, _FRESH_RATE, _BASE_WIDTH = 5e-5, 5e-4, 1e-3, 768


def learning_rate_for(model: Any, lora: bool) -> float:
    """Return a learning rate that suits a model, given as a recipe takes it."""
    if lora:
        return _LORA_RATE
    fresh = bert_config(model, vocab_size=1)
    return _FRESH_RATE if fresh is not None and fresh.hidden_size < _BASE_WIDTH else _TUNED_RATE


def is_small(model: Any) -> bool:
    """Return whether a model is narrower than BERT-base: the one that goes with the sample, a size, a config, a folder.

    What has to be asked for on the Hub is taken for large.
    """
    if model is None:
        return True
    config = bert_config(model, vocab_size=1)
    if config is None and Path(str(model)).is_dir():
        config = checkpoint_config(str(model))
    return config is not None and config.hidden_size < _BASE_WIDTH


def suited_defaults(model: Any, lora: bool, sample_args: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the Trainer's defaults that depend on what is trained.

    Args:
        model: as a recipe takes it.
        lora: whether adapters are trained.
        sample_args: those of small models on the bundled sample, where that is trained on.
    """
    if sample_args is not None and is_small(model):
        return dict(sample_args)
    return {"learning_rate": learning_rate_for(model, lora)}


def finetuning_faults(args: TrainingArguments, config: FineTuningConfig, model: Any, lora: Any) -> list[str]:
    """Return what a fine-tuning with these settings lacks or cannot have.

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
            "name (tiny, mini, …) for fresh weights"
        )
    else:
        faults += config.model_faults(bert_config(model, vocab_size=1) or checkpoint_config(str(model)))
    if config.early_stopping_patience is not None and not args.load_best_model_at_end:
        faults.append(
            "early_stopping_patience is set without load_best_model_at_end: the weights of the last evaluations, which "
            "were no better, would be kept; set load_best_model_at_end=True"
        )
    if lora is not None and config.freeze_layers:
        faults.append("freeze_layers is set with LoRA, which freezes all: use LoraConfig's layers_to_transform")
    return faults


def choose_best_by(args: TrainingArguments, usual: str, lower: Mapping[str, bool | None], prefix: str = "") -> None:
    """Settle by which score, and in which direction, the best checkpoint is chosen, where arguments ask for the best.

    `TrainingArguments` fills in `loss` by itself, which stands for nothing said; who wants the loss says `eval_loss`.

    Args:
        args: changed in place.
        usual: key of the score to choose by where nothing is said.
        lower: every score by key, whether less of it is better; none where that is not known.
        prefix: of the first of several splits, for scores that are named without one.

    Raises:
        ConfigError: there is no such score.
    """
    if not args.load_best_model_at_end:
        return
    said = args.metric_for_best_model
    key = usual if said in (None, "loss") else str(said).removeprefix("eval_")
    key = key if key in lower else prefix + key
    if key not in lower:
        raise ConfigError(f"There is no score {said or usual!r} to choose the best by. There are: {', '.join(lower)}.")
    args.metric_for_best_model = key
    if lower[key] is not None:
        args.greater_is_better = not lower[key]
    elif said in (None, "loss"):
        args.greater_is_better = True


def early_stopping(config: FineTuningConfig) -> list[TrainerCallback]:
    """Return the callback that stops a run whose score gets no better."""
    patience = config.early_stopping_patience
    return [] if patience is None else [EarlyStoppingCallback(early_stopping_patience=patience)]
