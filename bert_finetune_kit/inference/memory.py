"""A device that runs out of memory: an error that says which settings need less, instead of a traceback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ..errors import DeviceMemoryError

EVAL_BATCH = "per_device_eval_batch_size"
# Of CUDA and MPS, of cuBLAS, of the CPU (on Windows the second), and of XLA.
_MESSAGES = ("out of memory", "alloc_failed", "can't allocate memory", "not enough memory", "resource_exhausted")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a device, or the machine, has no memory left.

    >>> is_out_of_memory(RuntimeError("CUDA error: out of memory")), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error).lower() for message in _MESSAGES)


@contextmanager
def memory_advice(place: str, advise: Callable[[], str]) -> Iterator[None]:
    """Turn an error of a device that has no memory left into a message that says what to change.

    Args:
        place: what was done, such as "The training".
        advise: returns what to change; called once there is such an error.

    Raises:
        DeviceMemoryError: there was no memory left.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DeviceMemoryError(f"{place} ran out of memory: {advise()} The device says: {reason}") from error


def eval_batch_advice(batch_size: int) -> str:
    """Return in a sentence what needs less memory than a batch of this size, where no gradient is computed.

    >>> eval_batch_advice(64)
    'per_device_eval_batch_size is 64, try 32 (--per_device_eval_batch_size 32); the scores stay the same.'
    """
    if batch_size == 1:
        return f"{EVAL_BATCH} is 1 already; lower max_length, or choose a smaller model."
    smaller = batch_size // 2
    return f"{EVAL_BATCH} is {batch_size}, try {smaller} (--{EVAL_BATCH} {smaller}); the scores stay the same."
