"""What every fine-tuning asks of the Trainer: the best checkpoint by the task's metric, early stopping."""

from collections.abc import Sequence

from transformers import EarlyStoppingCallback, TrainerCallback, TrainingArguments

from ..modeling.finetuning import FineTuningConfig
from ..reporting.report import Score


def finetuning_faults(args: TrainingArguments, config: FineTuningConfig) -> list[str]:
    """Return what the Trainer's arguments lack for a fine-tuning with these settings."""
    if config.early_stopping_patience is not None and not args.load_best_model_at_end:
        return [
            "early_stopping_patience is set without load_best_model_at_end: the weights of the last evaluations, which "
            "were no better, would be kept; set load_best_model_at_end=True"
        ]
    return []


def choose_best_by(args: TrainingArguments, key: str, glossary: Sequence[Score]) -> None:
    """Let the best checkpoint be chosen by the score `key`, where arguments ask for the best and name no score.

    `TrainingArguments` fills in `loss` by itself; who wants the loss says `eval_loss`.
    """
    if not args.load_best_model_at_end or args.metric_for_best_model not in (None, "loss"):
        return
    args.metric_for_best_model = key
    args.greater_is_better = not any(score.key == key and score.lower_is_better for score in glossary)


def early_stopping(config: FineTuningConfig) -> list[TrainerCallback]:
    """Return the callback that stops a run whose score gets no better."""
    patience = config.early_stopping_patience
    return [] if patience is None else [EarlyStoppingCallback(early_stopping_patience=patience)]
