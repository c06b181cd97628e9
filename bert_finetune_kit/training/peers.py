"""Processes that train together, one of which no longer answers: an error that says what to do, not a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import distributed
from transformers import TrainingArguments

from ..errors import LostProcessError
from .memory import resume_advice

_BACKENDS = ("gloo/", "gloo::", "nccl", "process group", "tcpstore")


def is_lost_process(error: BaseException) -> bool:
    """Return whether an error says that another process has ended, or has not answered in time.

    >>> is_lost_process(RuntimeError("[.../gloo/transport/tcp/pair.cc:534] Connection closed by peer [10.0.0.2]:9141"))
    True
    >>> is_lost_process(RuntimeError("shapes differ"))
    False
    """
    if isinstance(error, distributed.DistError):
        return True
    return isinstance(error, RuntimeError) and any(name in str(error).lower() for name in _BACKENDS)


@contextmanager
def lost_processes_told(args: TrainingArguments, run: str | Path | None) -> Iterator[None]:
    """Turn the error of a lost process into a message that says from where the run continues.

    Args:
        args: the Trainer's arguments.
        run: folder of the training; none where nothing is trained.

    Raises:
        LostProcessError: another process has ended, or has not answered for `ddp_timeout`.
    """
    try:
        yield
    except RuntimeError as error:
        if args.world_size == 1 or not is_lost_process(error):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        advice = "" if run is None else f"{resume_advice(run)} "
        raise LostProcessError(
            f"One of the {args.world_size} processes has ended, or has not answered for ddp_timeout "
            f"({args.ddp_timeout:,} s): see what the others print, and whether their machines can be reached. "
            f"{advice}Start all processes again. The backend says: {reason}"
        ) from error
