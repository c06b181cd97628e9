"""Checks before anything expensive: the Trainer's arguments, disk and memory."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

from torch import nn
from transformers import IntervalStrategy, TrainingArguments

from ..contract import PreparedData
from ..errors import OutputError
from ..runs.tokens import token_fault
from .compiled import cuda_graph_mode
from .preflight import bytes_needed, memory_free, memory_needed

_NOT_NEGATIVE = (
    "learning_rate", "seed", "weight_decay", "warmup_steps", "max_grad_norm", "adam_epsilon", "label_smoothing_factor",
)  # fmt: skip


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
    if args.auto_find_batch_size:
        yield (
            "auto_find_batch_size is set: another batch is another training, which could not be resumed; leave it off. "
            "Where a batch does not fit into memory, the error names one that may, of the same product with "
            "gradient_accumulation_steps"
        )
    if args.dataloader_drop_last:
        yield "dataloader_drop_last is set: it would drop examples from evaluations; leave it off"
    if args.resume_from_checkpoint:
        yield "resume_from_checkpoint is set: use train(resume=True) or --resume, which finds the newest checkpoint"
    for name in ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps"):
        if getattr(args, name) < 1:
            yield f"{name} is {getattr(args, name)}: at least 1 is needed"
    yield from gpu_faults(args)
    yield from _number_faults(args)
    if args.push_to_hub and (fault := token_fault(args.hub_token)) is not None:
        yield fault
    if args.batch_eval_metrics:
        yield "batch_eval_metrics is set: outputs are already reduced to one row an example; leave it off"
    if args.eval_strategy == "no" and (args.load_best_model_at_end or args.save_strategy == "best"):
        setting = "load_best_model_at_end is set" if args.load_best_model_at_end else "save_strategy is 'best'"
        yield (
            f"{setting}, and eval_strategy is 'no', so that nothing is evaluated to choose the best by: set "
            "eval_strategy to 'epoch' or 'steps'"
        )


def gpu_faults(args: TrainingArguments) -> Iterator[str]:
    """Yield what does not work on GPUs: several of them in one process, accumulating gradients in CUDA graphs."""
    if args.n_gpu > 1:
        yield (
            f"this process sees {args.n_gpu} GPUs, and the Trainer would spread each batch over them (DataParallel), "
            "which is slow, and cuts what belongs to a whole batch. For one of them set CUDA_VISIBLE_DEVICES=0 before "
            "torch is imported; for all of them start one process for each GPU: torchrun --nproc_per_node "
            f"{args.n_gpu} SCRIPT, or accelerate launch with accelerate_configs/multi_gpu.yaml"
        )
    mode = cuda_graph_mode(args)
    if mode and args.gradient_accumulation_steps > 1:
        yield (
            f"gradient_accumulation_steps is {args.gradient_accumulation_steps}, and torch_compile_mode {mode!r} makes "
            "CUDA graphs, which overwrite the gradients that they are to be added to: use 'default', or "
            "'max-autotune-no-cudagraphs', or one larger batch"
        )


def _number_faults(args: TrainingArguments) -> Iterator[str]:
    """Yield numbers with which nothing could be trained."""
    for name in _NOT_NEGATIVE:
        value = getattr(args, name)
        if value < 0:
            yield f"{name} is {value}: it cannot be negative"
        elif math.isnan(value) or (math.isinf(value) and name != "max_grad_norm"):  # inf: no norm is too large
            yield f"{name} is {value}: it must be a number"
    for name in ("adam_beta1", "adam_beta2"):
        if not 0 <= getattr(args, name) < 1:
            yield f"{name} is {getattr(args, name)}: it must be at least 0 and below 1"
    for kind in ("save", "eval", "logging"):
        if (
            getattr(args, f"{kind}_strategy") == IntervalStrategy.STEPS
            and not (getattr(args, f"{kind}_steps") or 0) > 0
        ):
            yield f"{kind}_steps is {getattr(args, f'{kind}_steps')}: with {kind}_strategy 'steps' it must be above 0"
    if args.max_steps == 0:
        yield "max_steps is 0, so that nothing is trained: leave it at -1 to train num_train_epochs, or give steps"
    if args.max_steps < 0 and not 0 < args.num_train_epochs < math.inf:
        yield f"num_train_epochs is {args.num_train_epochs}: it must be a number above 0, such as 3 or 0.5"


def data_faults(args: TrainingArguments, data: PreparedData) -> Iterator[str]:
    """Yield Trainer arguments that the data cannot serve."""
    strategy = IntervalStrategy(args.eval_strategy).value
    if not data.validation and strategy != "no":
        yield (
            f"eval_strategy is {strategy!r}, and there is no validation split: set eval_strategy='no', or provide one"
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
