"""What is asked of predictions beside themselves: which ones to refuse, and sets of labels; in numpy alone."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calibration.conformal import lowest_probability
from ..calibration.thresholds import Threshold, ThresholdBasis, threshold_for_coverage, threshold_for_risk
from ..errors import ConfigError


@dataclass(frozen=True)
class Choices:
    """Thresholds for predictions; by default none is refused, and there are no sets of labels."""

    selection: Threshold | None = None
    """Which predictions are refused."""
    lowest_probability: float | None = None
    """From which on a label is in a set."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self.selection is None and self.lowest_probability is None


NO_CHOICES = Choices()


def choose(
    basis: ThresholdBasis,
    coverage: float | None = None,
    max_risk: float | None = None,
    label_sets: float | None = None,
) -> Choices:
    """Return thresholds, chosen on the validation examples that are kept with a model.

    Args:
        basis: the validation predictions.
        coverage: share of the predictions to keep.
        max_risk: greatest share of the kept predictions that may be wrong.
        label_sets: share of the sets of labels that are to hold the true one.

    Raises:
        ConfigError: it cannot be had.
    """
    asked = {"coverage": coverage, "max_risk": max_risk, "label_sets": label_sets}
    given = [name for name, value in asked.items() if value is not None]
    if not given:
        return Choices()
    if coverage is not None and max_risk is not None:
        raise ConfigError(
            "coverage= and max_risk= are both given, and each decides which predictions are refused: give one."
        )
    if not basis.confidence:
        raise ConfigError(
            f"{given[0]}= needs validation predictions to choose a threshold by, and none are kept with this model: "
            "they are in calibration.json after a training with validation examples, and in the exported.json of a "
            "model that was exported with them (export an older one once more). A regression has none, since it has "
            "no probabilities, and they do not hold for another threshold= than the one that they were made with."
        )
    selection = None
    if coverage is not None:
        selection = Threshold(threshold_for_coverage(coverage, basis.confidence))
    elif max_risk is not None:
        selection = Threshold(threshold_for_risk(max_risk, basis)[0])
    if label_sets is None:
        return Choices(selection)
    if not basis.label_probability:
        raise ConfigError("label_sets= is for tasks with one label an example: leave it out.")
    return Choices(selection, lowest_probability(label_sets, np.array(basis.label_probability)))


def choices_of(function: Callable[..., Any], choices: Choices) -> dict[str, Choices]:
    """Return the choices as arguments of a hook; none where nothing is asked for.

    Raises:
        ConfigError: something is asked for, and the hook of a recipe of a user's own does not take it.
    """
    if choices.is_empty:
        return {}
    if "choices" not in inspect.signature(function).parameters:
        raise ConfigError(
            "coverage=, max_risk= and label_sets= are handed to predict_rows as `choices`, and that of this recipe has "
            "no such argument: add it, or leave them out."
        )
    return {"choices": choices}
