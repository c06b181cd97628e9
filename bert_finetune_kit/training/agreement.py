"""What several processes agree on after each step, without waiting for their GPUs."""

from collections.abc import Callable

import torch
from torch import Tensor


class Agreement:
    """The signal that any of the processes has received.

    On CPUs it is that of the same step. On GPUs reading it would wait for all that was started, so all processes read
    that of the step before, whose copy has arrived by then.

    Args:
        gather: a tensor of each process → those of all, as one.
        device: of the processes.
        start_copy: a number on a device → what waits for its copy, and returns it; none means at once.
    """

    def __init__(
        self,
        gather: Callable[[Tensor], Tensor],
        device: torch.device,
        start_copy: Callable[[Tensor], Callable[[], int]] | None = None,
    ) -> None:
        self._gather, self._device, self._start_copy = gather, device, start_copy
        self._before: Callable[[], int] | None = None

    def __call__(self, signal: int | None) -> int | None:
        """Return the signal of any process; all of them call this after the same step."""
        received = self._gather(torch.full((1,), signal or 0, device=self._device)).max()
        if self._start_copy is None:
            return int(received) or None
        before, self._before = self._before, self._start_copy(received)
        return None if before is None else before() or None


def agreement(
    gather: Callable[[Tensor], Tensor], device: torch.device, processes: int
) -> Callable[[int | None], int | None]:
    """Return how processes agree; one process does with itself."""
    if processes == 1:
        return lambda signal: signal
    return Agreement(gather, device, copy_from_gpu if device.type == "cuda" else None)


def copy_from_gpu(number: Tensor) -> Callable[[], int]:
    """Start the copy of a number from a GPU; what is returned waits for what was started before, and for no more."""
    copied = torch.empty_like(number, device="cpu", pin_memory=True).copy_(number, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def read() -> int:
        arrived.synchronize()
        return int(copied)

    return read
