"""Which calibration an exported model gets: int8 its own where the validation split is at hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..contract import LoadedModel, Outputs
from .proof import VALIDATION

OWN = (
    "Temperatures, and the validation predictions that coverage, max_risk and label_sets choose by, are those of this "
    "model; the threshold of its decisions is that of the model in the kit, with which it was proven."
)
OF_THE_KIT = (
    "Temperatures, thresholds, and the validation predictions that coverage, max_risk and label_sets choose by, are "
    "those of the model in the kit."
)


def calibrated_as(
    trained: LoadedModel, recipe: Any, data: Any, outputs: Mapping[str, Outputs], precision: str, proven_on: str
) -> tuple[LoadedModel, str]:
    """Return the trained model with the calibration that its exported form is used with, and a sentence on it.

    In fp32 the predictions are those of the model in the kit. Those of int8 have other probabilities, so that a
    calibration is fitted to them as after a training: on the same half of the validation split.

    Args:
        trained: the model in the kit.
        recipe: that scores it.
        data: that it was proven on, as those of an evaluation of a trained model.
        outputs: of the exported model by split.
        precision: `fp32` or `int8`.
        proven_on: what these data are.

    Returns:
        The model, and an empty sentence where it has no calibration.
    """
    if trained.calibration is None:
        return trained, ""
    if precision == "fp32" or proven_on != VALIDATION:
        return trained, OF_THE_KIT
    return replace(trained, calibration=recipe.evaluation(replace(data, calibration=None), outputs).calibration), OWN
