"""Whether a training can change a weight: its steps, its learning rates, and what is trained."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import SchedulerType, TrainingArguments, get_scheduler

from ..errors import raise_faults
from .arguments import PLATEAU_SCHEDULERS
from .preflight import optimizer_steps

_MOST_ROWS = 200  # of the schedule in a report


def learning_rates(args: TrainingArguments, steps: int) -> Iterator[float]:
    """Yield the learning rate of each optimizer step, as the Trainer schedules it without looking at scores.

    Args:
        args: the Trainer's arguments.
        steps: of the training.
    """
    optimizer, scheduler = _scheduler(args, steps)
    for _ in range(steps):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        if args.lr_scheduler_type not in PLATEAU_SCHEDULERS:
            scheduler.step()


def schedule_rows(args: TrainingArguments, steps: int, trained: int, most: int = _MOST_ROWS) -> list[dict[str, float]]:
    """Return `step` and `learning_rate` of the schedule, evenly chosen, with the end of the warmup and the last step.

    Args:
        args: the Trainer's arguments.
        steps: that the schedule is made for.
        trained: steps that were taken of it.
        most: rows, about.

    Returns:
        Rows in the order of the steps, from 1; none where the scheduler is no function of the step.
    """
    scheduler = _scheduler(args, steps)[1]
    if not isinstance(scheduler, LambdaLR):
        return []
    chosen = {*range(0, trained, max(1, trained // most)), args.get_warmup_steps(steps), trained - 1}
    rate, factor = args.learning_rate, scheduler.lr_lambdas[0]
    return [{"step": step + 1, "learning_rate": rate * factor(step)} for step in sorted(chosen) if 0 <= step < trained]


def _scheduler(args: TrainingArguments, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    """Return the scheduler of the Trainer, and an optimizer of a single weight for it."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=args.learning_rate)
    kwargs: Any = args.lr_scheduler_kwargs
    return optimizer, get_scheduler(args.lr_scheduler_type, optimizer, args.get_warmup_steps(steps), steps, kwargs)


def first_learning_step(args: TrainingArguments, steps: int) -> int | None:
    """Return the first optimizer step, from 1, whose learning rate is above 0; none where no step has one.

    With a warmup the first step has a learning rate of 0, so that it changes nothing.

    Args:
        args: the Trainer's arguments.
        steps: of the training.
    """
    if not args.learning_rate:
        return None
    return next((step for step, rate in enumerate(learning_rates(args, steps), start=1) if rate > 0), None)


def check_learning(phases: Sequence[tuple[TrainingArguments, int]], model: nn.Module) -> list[str]:
    """Check that each phase of a training can change a weight; return what a reader should know of one that hardly can.

    Args:
        phases: the Trainer's arguments and the number of examples of each.
        model: to be trained.

    Raises:
        ConfigError: it would leave all weights as they are.
    """
    for args, examples in phases:
        raise_faults(learning_faults(args, model, examples), "Nothing would be learned")
    return [note for args, examples in phases for note in learning_notes(args, examples)]


def learning_faults(args: TrainingArguments, model: nn.Module, examples: int) -> Iterator[str]:
    """Yield why a training would leave all weights as they are.

    Args:
        args: the Trainer's arguments.
        model: to be trained.
        examples: to train on.
    """
    if not any(parameter.requires_grad for parameter in model.parameters()):
        yield "all weights are frozen, so that there is nothing to train: train some, or use evaluate() and predict()"
    if not args.learning_rate:
        yield "learning_rate is 0: no weight would change"
        return
    steps = optimizer_steps(examples, args)
    try:
        first = first_learning_step(args, steps)
    except (TypeError, ValueError) as error:
        name = SchedulerType(args.lr_scheduler_type).value
        yield f"lr_scheduler_type is {name!r}, which does not take these lr_scheduler_kwargs: {error}"
        return
    if first is None:
        yield (
            f"{examples:,} examples give {_count(steps)}, and warmup_steps={args.warmup_steps:g} leaves the learning "
            "rate at 0 in all of them, so that no weight would change: train for more epochs or on more examples, "
            "lower the batch size, or set warmup_steps=0"
        )


def learning_notes(args: TrainingArguments, examples: int) -> Iterator[str]:
    """Yield what a reader should know of a training that hardly learns.

    Args:
        args: the Trainer's arguments.
        examples: to train on.
    """
    steps = optimizer_steps(examples, args)
    warmup = args.get_warmup_steps(steps)
    if warmup >= steps and next(learning_rates(args, steps), args.learning_rate) < args.learning_rate:
        yield f"the warmup of {warmup:,} steps is not over after {_count(steps)}: the learning rate is never reached"


def _count(steps: int) -> str:
    return f"{steps:,} step{'s' if steps != 1 else ''}"
