"""Parameter groups of an optimizer by learning rate."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def split_by_lr(optimizer: torch.optim.Optimizer, multiplier: Callable[[Tensor], float]) -> None:
    """Split the parameter groups of a new optimizer by learning rate, the highest first.

    Args:
        optimizer: changed in place.
        multiplier: parameter → factor of its learning rate.
    """
    groups: dict[tuple[float, int], dict[str, Any]] = {}
    for number, group in enumerate(optimizer.param_groups):
        for parameter in group["params"]:
            factor = multiplier(parameter)
            part = groups.setdefault((-factor, number), {**group, "params": [], "lr": group["lr"] * factor})
            part["params"].append(parameter)
    optimizer.param_groups.clear()
    for key in sorted(groups):
        optimizer.add_param_group(groups[key])
