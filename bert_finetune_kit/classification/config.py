"""Settings of a classification or regression, beside those of its task."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..modeling.finetuning_config import FineTuningConfig
from ..settings import setting
from ..tasks.task import ClassificationTask


@dataclass(frozen=True)
class ClassificationConfig(FineTuningConfig):
    """Settings of a classification or regression."""

    stride: int | None = setting(
        None,
        "Split texts longer than max_length into windows that overlap by this many tokens, and average their "
        "logits. Default: truncate them.",
    )
    class_weights: str | Sequence[float] | None = setting(
        None,
        "Weight of each label in the loss: balanced (inverse to its frequency), or one number per label. Default: 1 "
        "for each.",
    )
    new_head: bool = setting(False, "Initialize a new head even if the checkpoint has one.")
    threshold: float = setting(0.5, "Smallest probability at which a multi_label task predicts a label.")

    def __post_init__(self) -> None:
        weights: Any = self.class_weights  # arrays of numpy and tensors, too
        weights = weights.tolist() if hasattr(weights, "tolist") else weights
        if isinstance(weights, list | tuple):  # of strings where they come from a command line
            plain = weights[0] if list(weights) == ["balanced"] else [_number(weight) for weight in weights]
            object.__setattr__(self, "class_weights", plain)
        super().__post_init__()

    def _faults(self) -> list[str]:
        faults = super()._faults()
        if self.stride is not None and not 0 <= self.stride <= self.max_length // 2:
            faults.append(
                f"stride is {self.stride}: windows of {self.max_length} tokens can overlap by 0 to "
                f"{self.max_length // 2}"
            )
        if not 0 < self.threshold < 1:
            faults.append(f"threshold is {self.threshold}: it must be a probability between 0 and 1")
        weights = self.class_weights
        if isinstance(weights, str) and weights != "balanced":
            faults.append(f"class_weights is {weights!r}: it must be 'balanced', or one number per label")
        if weights is not None and not isinstance(weights, str | list):
            faults.append(
                f"class_weights is a {type(weights).__name__}: give 'balanced', or a list with one number per label"
            )
        if isinstance(weights, list) and not all(map(_is_weight, weights)):
            faults.append(f"class_weights is {weights}: each weight must be a number above 0")
        return faults


def task_faults(task: ClassificationTask, config: ClassificationConfig, label_smoothing: float) -> list[str]:
    """Return what of the settings does not go with a task.

    Args:
        task: the declaration.
        config: settings of the recipe.
        label_smoothing: as the Trainer's arguments have it.
    """
    faults = []
    if task.text_pair is not None and config.max_length < 5:
        faults.append(f"max_length is {config.max_length}: at least 5 tokens are needed for pairs")
    if config.class_weights is not None and task.kind == "regression":
        faults.append("class_weights are set, and the task is a regression, which has no classes: remove them")
    if label_smoothing and task.kind != "single_label":
        faults.append(f"label_smoothing_factor needs a single_label task, and this one is {task.kind}: set it to 0")
    return faults


def _is_weight(value: float | str) -> bool:
    return not isinstance(value, str) and 0 < value < math.inf


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)
