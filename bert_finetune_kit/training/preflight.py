"""What a training takes: steps, time, disk and memory, in one line before it starts."""

import math
import os
import shutil
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor, nn
from transformers import TrainingArguments

from ..contract import BuiltModel, Collator, PreparedData
from ..data.examples import Examples
from ..data.padding import measured_padding
from ..modeling.parameters import count_parameters
from ..modeling.random_state import random_state_kept
from ..reporting.formatting import format_duration
from .arguments import effective_batch
from .memory import training_memory

SumFn = Callable[[Any], dict[str, Tensor]]

_BF16_CAPABILITY = (8, 0)  # Ampere
_BATCHES = 8  # looked at to tell how much padding there is
_STEPS_WORTH_TIMING = 100  # so that the step it takes is a hundredth of the training at most


def optimizer_steps(examples: int, args: TrainingArguments) -> int:
    """Return how many optimizer steps the Trainer takes over `examples` an epoch."""
    if args.max_steps > 0:
        return args.max_steps
    batches = math.ceil(examples / (args.train_batch_size * args.world_size))
    return math.ceil(args.num_train_epochs * math.ceil(batches / args.gradient_accumulation_steps))


def bytes_needed(model: nn.Module, args: TrainingArguments) -> int:
    """Return what a run takes on the disk at most: first and final weights, checkpoints with two moments of Adam."""
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    learning = _bytes_that_learn(model)
    kept = 0 if args.save_strategy == "no" else (args.save_total_limit or 1) + 1  # the one being written, too
    return 2 * weights + kept * (weights + (0 if args.save_only_model else 2 * learning))


def memory_needed(model: nn.Module) -> int:
    """Return the bytes that weights, gradients and two moments of Adam take that are not there yet."""
    return 3 * _bytes_that_learn(model)


def _bytes_that_learn(model: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)


def memory_free(device: torch.device) -> int:
    """Return the bytes of memory that a device has to give."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def padding_share(examples: Examples, collator: Collator, batch_size: int) -> float:
    """Return which share of the places of a random batch is padding."""
    order = np.random.default_rng(0).permutation(len(examples))[: _BATCHES * batch_size]
    batches = (
        collator([examples[(0, int(number), True)] for number in order[first : first + batch_size]])
        for first in range(0, len(order), batch_size)
    )
    return measured_padding(batch["attention_mask"] for batch in batches)


def seconds_a_step(
    built: BuiltModel, examples: Examples, collator: Collator, args: TrainingArguments, sum_fn: SumFn
) -> float | None:
    """Return how long an optimizer step takes, from one pass over a batch; the model stays as it is.

    The optimizer's own work and waiting for other processes are not included.

    Args:
        built: the model to be trained.
        examples: to train on.
        collator: makes batches of them.
        args: the Trainer's arguments.
        sum_fn: output of the model → summed loss by term.

    Returns:
        Seconds, or none for a training too short to be worth it, and where a step outside of the Trainer cannot be had:
        on XLA, which would compile it again, and with FSDP and DeepSpeed, which share out the model later.
    """
    short = optimizer_steps(len(examples), args) < _STEPS_WORTH_TIMING
    if short or args.device.type == "xla" or args.fsdp or args.deepspeed:
        return None
    order = np.random.default_rng(0).permutation(len(examples))[: args.per_device_train_batch_size]
    dtype = torch.bfloat16 if args.bf16 else torch.float16
    model = built.model.to(args.device).train()
    seconds = 0.0
    with random_state_kept(args.device):
        for numbers in (order[:2], order):  # the first pass sets up threads and kernels
            batch = collator([examples[(0, int(number), True)] for number in numbers])
            batch = {name: value.to(args.device) for name, value in batch.items()}
            began = time.perf_counter()
            with torch.autocast(args.device.type, dtype, enabled=args.bf16 or args.fp16):
                loss = torch.stack(list(sum_fn(built.forward(model, batch)).values())).sum()
            loss.backward()
            if args.device.type != "cpu":
                torch.accelerator.synchronize()
            seconds = time.perf_counter() - began
    model.zero_grad()
    return seconds * args.gradient_accumulation_steps


def preflight(built: BuiltModel, data: PreparedData, args: TrainingArguments, unpadded: bool, sum_fn: SumFn) -> str:
    """Return one line about a training: parameters, examples, steps, time, padding, and the disk of its checkpoints.

    Args:
        built: the model to be trained.
        data: to train on.
        args: the Trainer's arguments.
        unpadded: whether padding is skipped.
        sum_fn: output of the model → summed loss by term.
    """
    examples, collator = data.train, data.collator
    free = shutil.disk_usage(str(args.output_dir)).free
    with training_memory(args, str(args.output_dir)):
        step = seconds_a_step(built, examples, collator, args, sum_fn)
    padding = padding_share(examples, collator, args.per_device_train_batch_size)
    return describe_training(built.model, len(examples), args, padding, unpadded, free, step)


def precision_hint(args: TrainingArguments) -> list[str]:
    """Return, in a list of one, that a GPU is faster in 16 bits, where it computes in 32; the choice is the user's."""
    in_32_bits = not (args.bf16 or args.fp16) and os.environ.get("ACCELERATE_MIXED_PRECISION", "no") == "no"
    if args.device.type != "cuda" or not in_32_bits:
        return []
    if torch.cuda.get_device_capability(args.device) >= _BF16_CAPABILITY:
        return ["32 bits: bf16=True (--bf16) is faster on this GPU"]
    return ["32 bits: fp16=True (--fp16) may be faster on this GPU"]


def describe_training(
    model: nn.Module,
    examples: int,
    args: TrainingArguments,
    padding: float,
    unpadded: bool,
    free: int,
    step: float | None = None,
) -> str:
    """Return the line of `preflight` from its figures.

    Args:
        model: to be trained.
        examples: number of training examples.
        args: the Trainer's arguments.
        padding: share of a batch.
        unpadded: whether padding is skipped.
        free: bytes on the disk of the output folder.
        step: seconds of an optimizer step, where known.
    """
    total = count_parameters(model)
    trained = count_parameters(model, trainable=True)
    steps = optimizer_steps(examples, args)
    return " · ".join(
        [
            f"{total:,} parameters" + (f", {trained:,} of them trained" if trained < total else ""),
            f"{examples:,} examples",
            f"{steps:,} steps, batch size {effective_batch(args)}",
            *([] if step is None else [f"about {format_duration(steps * step)} of training"]),
            f"{padding:.0%} padding, " + ("skipped" if unpadded else "computed"),
            *precision_hint(args),
            f"checkpoints take up to {bytes_needed(model, args) / 1e6:,.0f} MB of {free / 1e9:,.1f} GB free",
        ]
    )
