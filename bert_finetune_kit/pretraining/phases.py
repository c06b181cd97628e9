"""Two phases of pretraining: most steps on short sequences, the rest on long ones (BERT paper, appendix A.2)."""

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from .config import PretrainConfig


def first_phase_args(args: TrainingArguments, steps: int, config: PretrainConfig) -> TrainingArguments:
    """Return the arguments of the first phase: those given, for its share of the steps."""
    return _with(args, max_steps=max(1, steps - _second_steps(steps, config)))


def second_phase(
    args: TrainingArguments, steps: int, config: PretrainConfig
) -> tuple[TrainingArguments, PretrainConfig]:
    """Return arguments and settings of the second phase.

    A step has as many sequences as in the first phase; batches on the device shrink as sequences grow, so that they
    need about the same memory, and gradient accumulation compensates for it.
    """
    assert config.second_phase_length is not None
    long = replace(config, max_length=config.second_phase_length, second_phase_length=None)
    times = math.ceil(long.max_length / config.max_length)
    batch = max(1, args.per_device_train_batch_size // times)
    long_args = _with(
        args,
        max_steps=_second_steps(steps, config),
        output_dir=str(Path(str(args.output_dir)) / "second-phase"),
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=max(1, args.per_device_eval_batch_size // times),
        gradient_accumulation_steps=args.gradient_accumulation_steps * args.per_device_train_batch_size // batch,
    )
    return long_args, long


def _second_steps(steps: int, config: PretrainConfig) -> int:
    return max(1, round(steps * config.second_phase_share))


def _with(args: TrainingArguments, **changes: Any) -> TrainingArguments:
    changed = copy.copy(args)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed
