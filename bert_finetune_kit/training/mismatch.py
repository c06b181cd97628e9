"""A checkpoint that does not fit the model or optimizer that a forced resume would load it into."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import KitError, OutputError
from ..inference.memory import is_out_of_memory
from .checkpointing import CheckpointCallback


@contextmanager
def mismatch_explained(checkpoint: Path | None, callback: CheckpointCallback) -> Iterator[None]:
    """Say that a checkpoint, which a forced resume may ask for, cannot be loaded into this model or its optimizer.

    Args:
        checkpoint: to resume from.
        callback: of the Trainer; once training has begun, errors are of something else.

    Raises:
        OutputError: the checkpoint does not fit.
    """
    try:
        yield
    except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
        is_other = isinstance(error, KitError) or is_out_of_memory(error)
        if checkpoint is None or callback.has_begun or is_other:
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise OutputError(
            f"{checkpoint} does not fit the model or the optimizer of these settings, and force does not change that: "
            f"{reason}. Set layers, widths, LoRA, frozen layers and optimizer back, choose another output_dir, or "
            "delete the folder."
        ) from error
