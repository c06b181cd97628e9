"""How often predictions of a confidence are right.

Shapes: predictions is the number of predictions, each with a confidence, its probability, and whether it is correct.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from ..reporting.details import Judgement, ReliabilityBin

_MOST_BINS, _FEWEST_IN_BIN = 15, 10
_DRAWS = 200


def equal_mass_bins(confidence: np.ndarray, most: int = _MOST_BINS) -> np.ndarray:
    """Return the number of the bin of each prediction, (predictions,) int: bins of about as many predictions each.

    Args:
        confidence: (predictions,). Equal ones share a bin, so that the order of the examples does not matter.
        most: bins; there are fewer of fewer than ten predictions a bin.
    """
    bins = min(most, max(1, len(confidence) // _FEWEST_IN_BIN))
    edges = np.sort(confidence)[[len(confidence) * number // bins for number in range(1, bins)]]
    return np.asarray(np.searchsorted(edges, confidence, side="right"))


def equal_mass_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the expected calibration error over bins of equal mass (Nguyen and O'Connor 2015).

    Bins of equal width put most predictions of a confident model into one bin, and few into the others.

    Args:
        confidence: (predictions,).
        correct: (predictions,) bool.
    """
    return _error(equal_mass_bins(confidence), confidence, correct)


def _error(number: np.ndarray, confidence: np.ndarray, correct: np.ndarray) -> float:
    gaps = np.bincount(number, weights=confidence - correct)
    return float(np.abs(gaps).sum() / len(confidence))


def error_by_chance(
    confidence: np.ndarray, error: Callable[[np.ndarray, np.ndarray], float], draws: int = _DRAWS, seed: int = 0
) -> float:
    """Return the 95th percentile of the calibration error of a calibrated model with these confidences.

    Consistency resampling (Bröcker and Smith 2007): each prediction is correct with its own probability.

    Args:
        confidence: (predictions,).
        error: confidence and correct → calibration error.
        draws: of the simulation.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    return float(np.percentile([error(confidence, rng.random(len(confidence)) < confidence) for _ in range(draws)], 95))


def judge(confidence: np.ndarray, correct: np.ndarray, nll: float, brier: float) -> Judgement:
    """Return what confidences are worth.

    Args:
        confidence: (predictions,).
        correct: (predictions,) bool.
        nll: mean negative log-likelihood of the examples, in nats.
        brier: mean squared error of their probabilities (Brier 1950).
    """
    number = equal_mass_bins(confidence)
    bins = [
        ReliabilityBin(
            low=float(confidence[number == bin_].min()), high=float(confidence[number == bin_].max()),
            count=int((number == bin_).sum()), confidence=float(confidence[number == bin_].mean()),
            accuracy=float(correct[number == bin_].mean()),
        )
        for bin_ in np.unique(number).tolist()
    ]  # fmt: skip
    return {
        "calibration_error": _error(number, confidence, correct),
        "by_chance": error_by_chance(confidence, partial(_error, number)),
        "nll": nll,
        "brier": brier,
        "bins": bins,
    }


def binary_judgement(probability: np.ndarray, happened: np.ndarray) -> Judgement:
    """Return what probabilities of an event are worth.

    Args:
        probability: of the event, (predictions,).
        happened: (predictions,) bool.
    """
    brier = float(((probability - happened) ** 2).mean())
    return judge(probability, happened, binary_nll(probability, happened), brier)


def binary_nll(probability: np.ndarray, happened: np.ndarray) -> float:
    """Return the mean negative log-likelihood of an event in nats; of a probability of 0 or 1 that is wrong, 700."""
    likelihood = np.where(happened, probability, 1 - np.asarray(probability, np.float64))
    return float(-np.log(np.maximum(likelihood, 1e-304)).mean())
