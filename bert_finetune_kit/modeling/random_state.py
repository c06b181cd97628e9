"""Torch's random numbers around what is only tried."""

from contextlib import AbstractContextManager

import torch


def random_state_kept(device: torch.device) -> AbstractContextManager[None]:
    """Return a context that leaves the random numbers of the CPU and of a device as they were."""
    if device.type == "cpu":
        return torch.random.fork_rng([])
    return torch.random.fork_rng([device], device_type=device.type)
