"""Saving a trained model, with advice where a disk does not take it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from datasets.config import HF_DATASETS_CACHE
from safetensors import SafetensorError
from transformers import TrainingArguments

from ..errors import OutputError
from ..modeling.lora import is_lora, save_merged
from .checkpointing import resume_hint
from .trainer import KitTrainer

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def save_model(trainer: KitTrainer, model: Any, tokenizer: Any, folder: str) -> None:
    """Save a stock checkpoint and its tokenizer; with LoRA the merged model, and the adapter beside it.

    Args:
        trainer: whose processes hold the model.
        model: wrapped by peft or not.
        tokenizer: of the model.
        folder: of the run.
    """
    if not is_lora(model):
        trainer.save_model(folder)
    elif trainer.is_world_process_zero():
        save_merged(model, folder)
        tokenizer.save_pretrained(folder)


@contextmanager
def no_empty_folder(args: TrainingArguments) -> Iterator[None]:
    """Remove the folder of the run, and what was made above it, where that was made meanwhile and holds nothing.

    The Trainer makes it at once, in the process that saves, also for an evaluation, which saves nothing there.
    """
    path = Path(str(args.output_dir))
    missing = [folder for folder in (path, *path.parents) if args.should_save and not folder.exists()]
    yield
    with suppress(OSError):  # one that is not empty, or was not made; those above it are neither
        for folder in missing:
            folder.rmdir()


@contextmanager
def save_with_hint(folder: str, what: str = "The trained model") -> Iterator[None]:
    """Turn an error of the disk into a message that says how to continue.

    Raises:
        OutputError: what was to be saved could not be written.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{what} could not be written to {folder}: {error}. {resume_hint(Path(folder))}") from error


@contextmanager
def cache_hint() -> Iterator[None]:
    """Turn a full disk while data are prepared into a message that says where the data go.

    Raises:
        OutputError: there is no space left.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise OutputError(
            f"There is no space left for the prepared data ({error}). They go to {HF_DATASETS_CACHE}, the cache of "
            "`datasets`: free space there, or set HF_DATASETS_CACHE to a folder on another disk."
        ) from error
