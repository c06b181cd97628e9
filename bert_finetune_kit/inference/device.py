"""Running a model on another device for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..errors import ConfigError


@contextmanager
def on_device(model: Any, device: str | torch.device | None) -> Iterator[None]:
    """Move a model to a device inside the context, and back to where it was at the end.

    Args:
        model: any module.
        device: such as "cpu" or "cuda:1"; none means where the model is.

    Raises:
        ConfigError: there is no such device.
    """
    before = next(model.parameters()).device
    try:
        target = before if device is None else torch.device(device)
        moves = target.type != before.type or target.index not in (None, before.index)
        if moves:
            model.to(target)
    except (RuntimeError, AssertionError, TypeError) as error:  # the second where torch is built without the device
        model.to(before)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(f"device is {device!r}, and the model cannot be moved there: {reason}") from error
    try:
        yield
    finally:
        if moves:
            model.to(before)
