"""What every fine-tuning asks of the Trainer: the best checkpoint by the task's metric, early stopping."""

from collections.abc import Mapping

from transformers import EarlyStoppingCallback, TrainerCallback, TrainingArguments

from ..errors import ConfigError
from ..modeling.finetuning import FineTuningConfig


def finetuning_faults(args: TrainingArguments, config: FineTuningConfig) -> list[str]:
    """Return what the Trainer's arguments lack for a fine-tuning with these settings."""
    if config.early_stopping_patience is not None and not args.load_best_model_at_end:
        return [
            "early_stopping_patience is set without load_best_model_at_end: the weights of the last evaluations, which "
            "were no better, would be kept; set load_best_model_at_end=True"
        ]
    return []


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
