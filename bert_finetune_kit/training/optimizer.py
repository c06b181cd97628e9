"""Parameter groups of an optimizer: their learning rates, and their settings after a resume."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

# Settings of a parameter group that no optimizer changes while it trains, unlike the learning rate.
_SETTINGS = ("weight_decay", "betas", "eps")


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


def group_settings(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """Return the settings of each parameter group of a new optimizer, its peak learning rate as `lr`."""
    return [{name: group[name] for name in ("lr", *_SETTINGS) if name in group} for group in optimizer.param_groups]


def restore_settings(optimizer: torch.optim.Optimizer, scheduler: Any, settings: Sequence[Mapping[str, Any]]) -> None:
    """Give an optimizer that was loaded from a checkpoint the settings of this run, and the learning rate of its step.

    A checkpoint holds the settings and the learning rate it was made with. Where a run trains longer, the next step
    would have the rate that the shorter schedule ended with, mostly 0. With the same settings, nothing changes.

    Args:
        optimizer: changed in place.
        scheduler: of its learning rates, changed in place; where they are no function of the step alone, as with
            ReduceLROnPlateau, those that were loaded are kept.
        settings: of each group, as `group_settings` returned them before the checkpoint was loaded.
    """
    groups = optimizer.param_groups
    if not isinstance(scheduler, LambdaLR) or len(groups) != len(settings):
        return
    peaks = [group["lr"] for group in settings]
    rates = [peak * factor(scheduler.last_epoch) for peak, factor in zip(peaks, scheduler.lr_lambdas, strict=True)]
    for group, own, rate in zip(groups, settings, rates, strict=True):
        group.update({**own, "lr": rate, "initial_lr": own["lr"]})
    scheduler.load_state_dict({**scheduler.state_dict(), "base_lrs": peaks, "_last_lr": rates})
