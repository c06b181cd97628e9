"""By which score, and in which direction, the best checkpoint is chosen, and which evaluation is the best."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transformers import EarlyStoppingCallback, TrainerCallback, TrainerState, TrainingArguments
from transformers.trainer_utils import SaveStrategy

from ..contract import PreparedData, directions
from ..errors import raise_faults
from ..reporting.numbers import finite_or_none
from ..reporting.schema import Score
from .arguments import PLATEAU_SCHEDULERS, decides_by_score, given_best_metric, plain_arguments
from .checks import data_faults
from .logs import evaluations
from .schedule import first_learning_step


def with_best_metric(
    args: TrainingArguments, data: PreparedData, callbacks: Sequence[TrainerCallback] = ()
) -> TrainingArguments:
    """Return plain arguments that name the score that decides and its direction, where a score decides anything.

    Args:
        args: the Trainer's arguments, which stay as they are.
        data: its scores, and the one to choose by where the arguments name none.
        callbacks: of the user; early stopping decides by a score, too.

    Raises:
        ConfigError: there is no such score, it cannot choose, or it is not known whether greater is better; or there
            are no validation data to score.
    """
    raise_faults(data_faults(args, data), "TrainingArguments")
    metric, greater = given_best_metric(args)
    result = plain_arguments(args)
    stops_early = any(isinstance(callback, EarlyStoppingCallback) for callback in callbacks)
    if metric is None and not decides_by_score(args) and not stops_early:
        return result
    name = metric or data.best_metric or "loss"
    key = name.removeprefix("eval_")
    if key not in data.lower_is_better:
        key = data.prefix(next(iter(data.validation), "")) + key
    faults = list(_faults(name, key, greater, data.lower_is_better))
    if stops_early and args.eval_strategy == "no":
        faults.append(
            "EarlyStoppingCallback needs evaluations, and eval_strategy is 'no': set it to 'epoch' or 'steps'"
        )
    if key in data.undefined_scores:
        faults.append(
            f"{name!r} cannot choose the best checkpoint: {data.undefined_scores[key]}. Set metric_for_best_model to "
            "another score, such as 'eval_loss', or provide other validation data"
        )
    lower = data.lower_is_better.get(key)
    result.metric_for_best_model = key
    result.greater_is_better = greater if lower is None else not lower
    if result.lr_scheduler_type in PLATEAU_SCHEDULERS:
        mode = "max" if result.greater_is_better else "min"
        settings: dict[str, Any] = dict(args.lr_scheduler_kwargs or {})  # type: ignore[arg-type]
        if settings.get("mode", mode) != mode:
            faults.append(f"lr_scheduler_kwargs has mode {settings['mode']!r}, and for {key} it is {mode!r}: remove it")
        result.lr_scheduler_kwargs = {"mode": mode} | settings
    raise_faults(faults, "TrainingArguments")
    return result


def best_metric_faults(args: TrainingArguments, glossary: Sequence[Score]) -> Iterator[str]:
    """Yield why the score that is to choose the best checkpoint cannot, as far as it is known without data."""
    metric, greater = given_best_metric(args)
    if metric is not None:
        yield from _faults(metric, metric.removeprefix("eval_"), greater, directions(glossary))


def _faults(name: str, key: str, greater: bool | None, lower_is_better: Mapping[str, bool | None]) -> Iterator[str]:
    """Yield what is wrong with a score to choose by.

    Args:
        name: as it was given.
        key: of the score.
        greater: the direction that was given; none where it was not.
        lower_is_better: the direction of each score; none where it is not known.
    """
    if key not in lower_is_better:
        yield f"Unknown metric_for_best_model {name!r}. Available scores: {', '.join(lower_is_better)}"
        return
    lower = lower_is_better[key]
    if lower is None and greater is None:
        yield (
            f"{name!r} is to choose the best checkpoint, and whether greater or lower is better is not known: set "
            "greater_is_better in default_args(…) or RecipeArguments(…) (--greater_is_better on a command line). In "
            "plain TrainingArguments True counts as not set, since they fill it in for every such name"
        )
    if lower is not None and greater is lower:
        yield (
            f"greater_is_better is {greater} for {name!r}, of which the {'lower' if lower else 'greater'} is better: "
            "leave it out"
        )


def is_better(row: Mapping[str, Any], best: Mapping[str, Any], key: str, greater_is_better: bool) -> bool:
    """Return whether an evaluation is better than the best one so far; of equal scores that of the lower loss.

    A score that is missing or not finite is never better.

    Args:
        row: scores of the evaluation.
        best: of the best one so far; empty where there is none.
        key: of the score that decides.
        greater_is_better: its direction.

    >>> best = {"accuracy": 1.0, "loss": 0.98}
    >>> is_better({"accuracy": 1.0, "loss": 0.21}, best, "accuracy", greater_is_better=True)
    True
    """
    value, best_value = finite_or_none(row.get(key)), finite_or_none(best.get(key))
    if value is None or best_value is None:
        return value is not None
    if value != best_value:
        return (value > best_value) == greater_is_better
    return _loss(row, key) < _loss(best, key)


def _loss(row: Mapping[str, Any], key: str) -> float:
    """Return the loss of the split, or of the part of the objective, that a score is of; infinite where not known."""
    losses = [name for name in row if name.endswith("loss") and key.startswith(name.removesuffix("loss"))]
    loss = finite_or_none(row.get(max(losses, key=len, default="")))
    return math.inf if loss is None else loss


def record_best(state: TrainerState, args: TrainingArguments) -> bool:
    """Record the evaluation of the current step in the state if it is the best so far, and return whether it is.

    Weights that no step has changed yet are never the best; neither are those of a step without a checkpoint, where
    every few evaluations have one. What is compared is in the log, so that a resumed run chooses as one that was never
    stopped.

    Args:
        state: of the Trainer, with the log of the evaluation.
        args: the Trainer's arguments.
    """
    key, step = args.metric_for_best_model, state.global_step
    first = first_learning_step(args, state.max_steps)
    if key is None or first is None or step < first or not _has_checkpoint(state, args):
        return False
    rows = {row["step"]: row for row in evaluations(state.log_history)}
    current, best = rows.get(step, {}), rows.get(state.best_global_step, {})
    key = key.removeprefix("eval_")
    if not is_better(current, best, key, bool(args.greater_is_better)):
        return False
    state.best_metric, state.best_global_step = current[key], step
    return True


def _has_checkpoint(state: TrainerState, args: TrainingArguments) -> bool:
    """Return whether the current step has a checkpoint in a run that is not stopped, wherever checkpoints are saved."""
    if args.save_strategy != SaveStrategy.STEPS:
        return True
    return state.global_step >= state.max_steps or state.global_step % state.save_steps == 0
