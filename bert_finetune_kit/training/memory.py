"""What to change when a training or an evaluation runs out of memory, computed from its own arguments."""

from contextlib import AbstractContextManager
from pathlib import Path

from transformers import TrainingArguments

from ..inference.memory import eval_batch_advice, memory_advice
from ..runs.checkpoints import latest_valid_checkpoint
from .arguments import effective_batch

_BATCH, _STEPS = "per_device_train_batch_size", "gradient_accumulation_steps"
_CHECKPOINTING = ("activation_checkpointing", "gradient_checkpointing")  # the latter in older transformers


def training_memory(args: TrainingArguments, run: str | Path) -> AbstractContextManager[None]:
    """Return a context in which a device without memory is an error with smaller batches of the same training.

    Args:
        args: the Trainer's arguments.
        run: folder of the run.
    """
    return memory_advice(f"The training on {args.device.type}", lambda: f"{smaller_batches(args)} {resume_advice(run)}")


def evaluation_memory(args: TrainingArguments, run: str | Path | None) -> AbstractContextManager[None]:
    """Return a context in which a device without memory is an error with smaller batches of the evaluation.

    Args:
        args: the Trainer's arguments.
        run: folder of the training that it belongs to; none where nothing was trained.
    """

    def advise() -> str:
        advice = eval_batch_advice(args.per_device_eval_batch_size)
        return advice if run is None else f"{advice} {resume_advice(run)}"

    return memory_advice(f"The evaluation on {args.device.type}", advise)


def smaller_batches(args: TrainingArguments) -> str:
    """Return in a sentence how the same training needs less memory: smaller batches, more of them to a step."""
    batch, steps = args.per_device_train_batch_size, args.gradient_accumulation_steps
    smaller, more = split_batch(batch, steps)
    if smaller < batch:
        return (
            f"{_BATCH} is {batch} and {_STEPS} {steps}, try {smaller} and {more} (--{_BATCH} {smaller} "
            f"--{_STEPS} {more}); the effective batch stays {effective_batch(args)}, and the training the same."
        )
    checkpointing = next(name for name in _CHECKPOINTING if hasattr(args, name))
    if getattr(args, checkpointing):
        return f"{_BATCH} is 1 and {checkpointing} is set already; lower max_length, or choose a smaller model."
    return (
        f"{_BATCH} is 1 already; set {checkpointing}=True (--{checkpointing} true), which computes the same more "
        "slowly, or lower max_length, which is another training."
    )


def split_batch(batch: int, steps: int) -> tuple[int, int]:
    """Return a smaller batch and more steps whose product is the same: half of it, or the next smaller divisor.

    >>> split_batch(32, 1), split_batch(9, 2), split_batch(7, 1), split_batch(1, 4)
    ((16, 2), (3, 6), (1, 7), (1, 4))
    """
    factor = next((factor for factor in range(2, batch + 1) if batch % factor == 0), 1)
    return batch // factor, steps * factor


def resume_advice(run: str | Path) -> str:
    """Return in a sentence from where a run continues with other batches."""
    checkpoint, _ = latest_valid_checkpoint(Path(run))
    if checkpoint is None:
        return "There is no checkpoint yet: start again."
    return f"The last valid checkpoint is {checkpoint}: with resume=True (--resume) the run continues from there."
