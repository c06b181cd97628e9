"""Checks before anything expensive: the Trainer's arguments, disk and memory."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import nn
from transformers import IntervalStrategy, TrainingArguments

from ..contract import PreparedData
from ..errors import OutputError
from ..reporting.schema import Score
from ..runs.tokens import token_fault
from .preflight import bytes_needed, memory_free, memory_needed


def argument_faults(args: TrainingArguments, smooths_labels: bool = False) -> Iterator[str]:
    """Yield Trainer arguments that a recipe cannot honour, or that would falsify its scores silently.

    Args:
        args: the Trainer's arguments.
        smooths_labels: whether the loss of the recipe uses `label_smoothing_factor`.
    """
    if args.train_sampling_strategy != "random":
        yield (
            f"train_sampling_strategy is {args.train_sampling_strategy!r}: the kit orders examples by (seed, epoch), "
            "which makes runs resumable; leave it 'random'"
        )
    if args.label_smoothing_factor and not smooths_labels:
        yield f"label_smoothing_factor is {args.label_smoothing_factor}: this recipe computes its own loss without it"
    if not args.eval_do_concat_batches:
        yield "eval_do_concat_batches is off: scores are sums over all examples, which then come in lists; leave it on"
    if args.dataloader_drop_last:
        yield "dataloader_drop_last is set: it would drop examples from evaluations; leave it off"
    if args.resume_from_checkpoint:
        yield "resume_from_checkpoint is set: use train(resume=True) or --resume, which finds the newest checkpoint"
    for name in ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps"):
        if getattr(args, name) < 1:
            yield f"{name} is {getattr(args, name)}: at least 1 is needed"
    for name in ("learning_rate", "seed"):
        if getattr(args, name) < 0:
            yield f"{name} is {getattr(args, name)}: it cannot be negative"
    if args.push_to_hub and (fault := token_fault(args.hub_token)) is not None:
        yield fault
    if args.batch_eval_metrics:
        yield "batch_eval_metrics is set: outputs are already reduced to one row an example; leave it off"


def data_faults(args: TrainingArguments, data: PreparedData) -> Iterator[str]:
    """Yield Trainer arguments that the data cannot serve."""
    strategy = IntervalStrategy(args.eval_strategy).value
    if not data.validation and strategy != "no":
        yield (
            f"eval_strategy is {strategy!r}, and there is no validation split: set eval_strategy='no', or provide one"
        )


def best_metric_faults(args: TrainingArguments, glossary: Sequence[Score]) -> Iterator[str]:
    """Yield why the score to choose the best checkpoint by cannot be used."""
    if not args.load_best_model_at_end:
        return
    best = (args.metric_for_best_model or "").removeprefix("eval_")
    keys = {"loss", *(score.key for score in glossary)}
    if best not in keys:
        yield f"Unknown metric_for_best_model {best!r}: it can be {', '.join(sorted(keys))}"
    lower = {score.key for score in glossary if score.lower_is_better}
    if best in lower and args.greater_is_better:
        yield (
            f"greater_is_better is true for {best}, although lower {best} is better (the Trainer assumes it for every "
            "name that does not end in 'loss'): set greater_is_better=False"
        )


def check_space(folder: Path, model: nn.Module, args: TrainingArguments) -> None:
    """Check that the run fits on the disk, and what it needs at least into memory.

    On the disk: the final weights and the checkpoints, each with two moments of Adam. In memory: weights, gradients and
    moments; batches come on top of that.

    Raises:
        OutputError: they do not.
    """
    needed, free = bytes_needed(model, args), shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"{folder} has {free / 1e9:.2f} GB free, and the run needs {needed / 1e9:.2f} GB for the model and "
            "its checkpoints. Free space, choose another output_dir, lower save_total_limit, set save_only_model, or "
            "pass force=True (--force) to train anyway."
        )
    needed, free = memory_needed(model), memory_free(args.device)
    if free < needed:
        raise OutputError(
            f"{free / 1e9:.2f} GB of memory is free on {args.device.type}, and weights, gradients and the "
            f"moments of Adam alone need {needed / 1e9:.2f} GB. Choose a smaller model, LoRA, frozen layers, "
            "or pass force=True (--force) to train anyway."
        )
