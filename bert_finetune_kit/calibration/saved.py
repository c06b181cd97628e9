"""What of its calibration is kept with a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..reporting.statistics.clusters import Units
from .selective import ScoredPredictions

_MOST = 5000  # predictions that are kept of a half: a share of them is known to a point and a half


def _nothing() -> ScoredPredictions:
    return ScoredPredictions([], [], [])


@dataclass(frozen=True)
class Calibration:
    """How a model's probabilities are calibrated; by default they are those of its logits."""

    temperatures: Mapping[str, float] = field(default_factory=dict)
    """What logits are divided by, by what they are of: `labels`, in a multi_label task each label by its name, in
    question answering `answers` and `no_answer`. What is not named has 1."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a temperature is 1 where none could be fitted, or that it is at a limit, by the same names."""
    chosen_on: ScoredPredictions = field(default_factory=_nothing)
    """Predictions of the half of the validation examples that everything is fitted on."""
    measured_on: ScoredPredictions = field(default_factory=_nothing)
    """Those of the other half."""

    def temperature(self, name: str) -> float:
        """Return a temperature; 1 where there is none."""
        return float(self.temperatures.get(name, 1.0))

    def without_predictions(self) -> "Calibration":
        """Return the temperatures alone, for decisions that are not those of the predictions that are kept."""
        return replace(self, chosen_on=_nothing(), measured_on=_nothing())

    @property
    def fitted(self) -> dict[str, float]:
        """The temperatures that could be fitted, those at a limit among them."""
        return {name: value for name, value in self.temperatures.items() if name not in self.reasons or value != 1}


NOT_CALIBRATED = Calibration()
"""Probabilities as they are, and no examples to choose a threshold by."""


def scored_predictions(
    confidence: np.ndarray,
    correct: np.ndarray,
    label_probability: np.ndarray | Sequence[float] = (),
    units: Units | None = None,
) -> ScoredPredictions:
    """Return predictions as they are kept, of many a random part.

    Args:
        confidence: (predictions,).
        correct: (predictions,) bool.
        label_probability: of the true label of each, (predictions,); empty where an example has not one label.
        units: of the examples that are independent; None where all of them are.
    """
    chosen = np.arange(len(confidence))
    if len(chosen) > _MOST:
        chosen = np.sort(np.random.default_rng(0).choice(len(chosen), _MOST, replace=False))
    labels = np.asarray(label_probability, float)
    return ScoredPredictions(
        confidence[chosen].tolist(),
        correct[chosen].astype(bool).tolist(),
        labels[chosen].tolist() if len(labels) else [],
        [] if units is None or units.are_examples else units.numbers[chosen].tolist(),
    )
