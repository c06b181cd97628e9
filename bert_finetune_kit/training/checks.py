"""What can be known to fail before anything expensive: the Trainer's arguments, the output folder, the disk."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from transformers import TrainingArguments
from transformers.utils import SAFE_WEIGHTS_NAME, WEIGHTS_NAME

from ..errors import OutputError
from ..reporting.report import REPORT_FILE, Score
from .checkpoints import newest_whole
from .preflight import bytes_needed, memory_free, memory_needed


def argument_faults(args: TrainingArguments, glossary: Sequence[Score], smooths_labels: bool = False) -> Iterator[str]:
    """Yield what the Trainer's arguments ask for that a recipe cannot do, or would do silently wrong."""
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
        yield "dataloader_drop_last is set: it would leave examples out of evaluations, too; leave it off"
    if args.resume_from_checkpoint:
        yield "resume_from_checkpoint is set: say train(resume=True), or --resume, which finds the newest checkpoint"
    for name in ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps"):
        if getattr(args, name) < 1:
            yield f"{name} is {getattr(args, name)}: at least 1 is needed"
    for name in ("learning_rate", "seed"):
        if getattr(args, name) < 0:
            yield f"{name} is {getattr(args, name)}: it cannot be negative"
    if args.batch_eval_metrics:
        yield "batch_eval_metrics is set: outputs are already reduced to one row an example; leave it off"
    best = (args.metric_for_best_model or "").removeprefix("eval_")
    known = {"loss", *(score.key for score in glossary)}
    if glossary and args.load_best_model_at_end and best not in known:
        yield f"metric_for_best_model is {best!r}: it can be {', '.join(sorted(known))}"
    lower = {score.key for score in glossary if score.lower_is_better}
    if args.load_best_model_at_end and best in lower and args.greater_is_better:
        yield (
            f"greater_is_better is true for {best}, of which less is better (the Trainer assumes it for every name "
            "that does not end in 'loss'): set greater_is_better=False"
        )


def check_output(folder: Path, resume: bool, model: Any = None) -> tuple[str | None, list[str]]:
    """Return the newest whole checkpoint in an output folder, if there is one, and what was passed over.

    Raises:
        OutputError: the folder holds a finished run or the model to start from, holds checkpoints or a model and
            `resume` was not asked for, or cannot be written.
    """
    if (folder / REPORT_FILE).exists():
        raise OutputError(
            f"{folder} already holds a finished run ({REPORT_FILE}). Choose another output_dir, or delete it."
        )
    if isinstance(model, str) and Path(model).exists() and folder.resolve() == Path(model).resolve():
        raise OutputError(f"{folder} is the folder of the model to start from: choose another output_dir.")
    checkpoint, passed_over = newest_whole(folder)
    if not resume and (checkpoint is not None or passed_over):
        name = checkpoint.name if checkpoint is not None else "none of them whole"
        raise OutputError(
            f"{folder} holds checkpoints of an unfinished run ({name}). Go on from there with resume=True, choose "
            "another output_dir, or delete that folder."
        )
    models = [name for name in (SAFE_WEIGHTS_NAME, WEIGHTS_NAME) if (folder / name).exists()]
    if models and not resume:
        raise OutputError(
            f"{folder} holds a model ({models[0]}), which would be overwritten: choose another output_dir."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"The output folder {folder} cannot be written: {error.strerror}.") from error
    return None if checkpoint is None else str(checkpoint), passed_over


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
            "train all the same with force=True (--force)."
        )
    needed, free = memory_needed(model), memory_free(args.device)
    if free < needed:
        raise OutputError(
            f"There are {free / 1e9:.2f} GB of memory free on {args.device.type}, and weights, gradients and the "
            f"moments of Adam alone need {needed / 1e9:.2f} GB. Choose a smaller model, LoRA, frozen layers, "
            "or train all the same with force=True (--force)."
        )
