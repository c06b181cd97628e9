"""The Trainer's log as a report holds it: one row an evaluation, and which row is that of the saved weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerState, TrainingArguments

from ..runs.checkpoints import checkpoint_folder, step_of

_PREFIX = "eval_"
# Endings of entries about the machine, not about the model; several splits prefix them.
_NOT_SCORES = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


def is_evaluation(log: dict[str, Any]) -> bool:
    """Whether a log is that of an evaluation."""
    return any(key.startswith(_PREFIX) for key in log)


def scores_of(log: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of an evaluation log, without the prefix `eval_` and without timings."""
    scores = {key.removeprefix(_PREFIX): value for key, value in log.items()}
    return {key: value for key, value in scores.items() if not key.endswith(_NOT_SCORES)}


def plain_scores(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return scores as Python numbers."""
    return {key: value.item() if hasattr(value, "item") else value for key, value in scores.items()}


def evaluations(logs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row an evaluation; the Trainer logs each validation split by itself."""
    joined: dict[tuple[Any, Any], dict[str, Any]] = {}
    for log in logs:
        if is_evaluation(log):
            row = scores_of(log)
            joined.setdefault((row.get("phase"), row.get("step")), {}).update(row)
    return list(joined.values())


def saved_step(
    state: TrainerState, args: TrainingArguments, labels: Mapping[str, str] | None = None
) -> tuple[int, tuple[str, ...]]:
    """Return the step of the weights to save, the last one or that of the best checkpoint, and notes.

    Args:
        state: of the Trainer after the training.
        args: its arguments.
        labels: key of a score → its name for a reader.
    """
    best, key = state.best_global_step, str(args.metric_for_best_model)
    metric = (labels or {}).get(key.removeprefix(_PREFIX), key)
    if not args.load_best_model_at_end:
        return state.global_step, ()
    if not best:
        none = f"no evaluation had a {metric} to choose the best weights by: the last were saved"
        return state.global_step, (none,) if evaluations(state.log_history) else ()
    if state.best_model_checkpoint is None or not Path(state.best_model_checkpoint).exists():
        fault = "damaged" if checkpoint_folder(str(args.output_dir), best).exists() else "gone"
        best_weights = f"the best weights by {metric} were those of step {best:,}"
        return state.global_step, (f"{best_weights}, whose checkpoint is {fault}: the last were saved",)
    step = step_of(state.best_model_checkpoint) or best
    note = f"the weights of step {step:,} were saved, the best by {metric}"
    return step, (note if step == best else f"{note} that have a checkpoint; those of step {best:,} were better",)
