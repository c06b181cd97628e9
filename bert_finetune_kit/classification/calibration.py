"""How far the probabilities of a classifier can be believed."""

from typing import Any

import numpy as np

from .metrics import Predictions, bin_of, calibration_gaps, confidences


def reliability(told: Predictions, bins: int = 15) -> dict[str, Any]:
    """Return of predictions alike in confidence how many are right: a reliability diagram (Guo et al. 2017).

    Args:
        told: predictions and references; not of a regression.
        bins: of equal width, from 0 to 1.

    Returns:
        `bins`: those that are not empty, each with `low`, `high`, `count`, `confidence` and `accuracy` (means, shares);
        `calibration_error`: the mean distance of the two, as the score of that name.
    """
    confidence, correct = confidences(told)
    place = bin_of(confidence, bins)
    found = [
        {
            "low": number / bins,
            "high": (number + 1) / bins,
            "count": int((place == number).sum()),
            "confidence": float(confidence[place == number].mean()),
            "accuracy": float(correct[place == number].mean()),
        }
        for number in np.unique(place).tolist()
    ]
    return {"bins": found, "calibration_error": calibration_gaps(confidence, correct, bins)}
