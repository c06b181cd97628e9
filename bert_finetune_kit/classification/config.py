"""How a text is classified, beside what the task says."""

import math
from dataclasses import dataclass
from typing import Any

from ..modeling.finetuning import FineTuningConfig


@dataclass(frozen=True)
class ClassificationConfig(FineTuningConfig):
    """Settings of a classification or regression."""

    stride: int | None = None
    """Read texts longer than max_length in windows that share so many tokens, and take the mean of their logits; none
    means to cut them off."""
    class_weights: Any = None
    """Weight of each label in the loss: balanced (inverse to its frequency) or a number a label; none means 1."""
    new_head: bool = False
    """Start with a fresh head where the checkpoint has one already."""
    threshold: float = 0.5
    """Least probability at which a multi_label task gives a label."""

    def __post_init__(self) -> None:
        weights = self.class_weights
        weights = weights.tolist() if hasattr(weights, "tolist") else weights
        if isinstance(weights, list | tuple):  # a command line gives words
            plain = weights[0] if list(weights) == ["balanced"] else [_number(one) for one in weights]
            object.__setattr__(self, "class_weights", plain)
        super().__post_init__()

    def _faults(self) -> list[str]:
        faults = super()._faults()
        if self.stride is not None and not 0 <= self.stride <= self.max_length // 2:
            faults.append(
                f"stride is {self.stride}: windows of {self.max_length} tokens can share 0 to {self.max_length // 2}"
            )
        if not 0 < self.threshold < 1:
            faults.append(f"threshold is {self.threshold}: a probability lies between 0 and 1")
        weights = self.class_weights
        if isinstance(weights, str) and weights != "balanced":
            faults.append(f"class_weights is {weights!r}: it can be 'balanced', or a number a label")
        if weights is not None and not isinstance(weights, str | list):
            faults.append(
                f"class_weights is a {type(weights).__name__}: give 'balanced', or a list of a number a label"
            )
        if isinstance(weights, list) and any(isinstance(one, str) or not 0 < one < math.inf for one in weights):
            faults.append(f"class_weights is {weights}: each weight must be a number above 0")
        return faults


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)
