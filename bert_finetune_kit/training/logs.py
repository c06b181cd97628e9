"""The Trainer's log as a report holds it: scores by evaluation, and which of them are those of the saved weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerState, TrainingArguments

_PREFIX = "eval_"
# Numbers of a log that are about the machine, not about the model.
_NOT_SCORES = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


def scores_of(log: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of an evaluation log without `eval_` and without what is about the machine."""
    scores = {key.removeprefix(_PREFIX): value for key, value in log.items()}
    return {key: value for key, value in scores.items() if key not in _NOT_SCORES}


def evaluations(logs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row an evaluation; the Trainer logs each validation split by itself."""
    joined: dict[tuple[Any, Any], dict[str, Any]] = {}
    for log in logs:
        if any(key.startswith(_PREFIX) for key in log):
            row = scores_of(log)
            joined.setdefault((row.get("phase"), row.get("step")), {}).update(row)
    return list(joined.values())


def row_that_was_saved(
    scores: Sequence[dict[str, Any]], state: TrainerState, args: TrainingArguments
) -> tuple[dict[str, Any], list[str]]:
    """Return the scores of the weights that are saved, the last ones or those of the best checkpoint, and notes on it.

    Args:
        scores: of `evaluations`.
        state: of the Trainer after the training.
        args: its arguments.
    """
    best, by = state.best_global_step, args.metric_for_best_model
    if not args.load_best_model_at_end or best is None or not scores:
        return (scores[-1] if scores else {}), []
    if not Path(str(state.best_model_checkpoint)).exists():
        gone = f"the best weights by {by} were those of step {best:,}, whose checkpoint is gone: the last were saved"
        return scores[-1], [gone]
    row = next((row for row in reversed(scores) if row["step"] == best), scores[-1])
    return row, [f"the weights of step {best:,} were saved, the best by {by}"]
