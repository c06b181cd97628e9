"""Temperatures that logits are divided by, so that probabilities are as often right as they say (Guo et al. 2017)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

# One parameter that is fitted to n examples costs 1/(2n) nats on others (Akaike 1974): a hundredth of a nat here.
FEWEST = 50
_LOWEST, _HIGHEST = 1e-2, 1e2  # of a temperature
_NEAR = 0.9  # of a limit: the search stops short of it


@dataclass(frozen=True)
class Temperature:
    """A temperature, and why it is 1 where none could be fitted, or that it is at a limit."""

    value: float = 1.0
    reason: str = ""


def fit_temperature(nll: Callable[[float], float], correct: np.ndarray) -> Temperature:
    """Return the temperature with the least loss.

    Args:
        nll: temperature → mean negative log-likelihood of the examples that it is fitted on. It has one minimum, since
            it is convex in 1 / temperature.
        correct: (examples,) bool, whether each prediction is correct. It says whether there is a minimum: where all are
            correct, the likelihood grows as the temperature falls to 0.
    """
    if len(correct) < FEWEST:
        return Temperature(reason=f"there are {len(correct)} examples to fit it on, and {FEWEST} are needed")
    if correct.all():
        return Temperature(reason=f"all {len(correct):,} predictions that it would be fitted on are right")
    bounds = np.log([_LOWEST, _HIGHEST])
    fitted = minimize_scalar(lambda log: nll(float(np.exp(log))), bounds=bounds, method="bounded")
    value = float(np.exp(fitted.x))
    return Temperature(value, _at_limit(value))


def _at_limit(value: float) -> str:
    """Return what it means that a temperature is the greatest or the least that is tried; empty where it is neither."""
    if value > _NEAR * _HIGHEST:
        return "the greatest that is tried: the logits do not show which predictions are right, and nothing was learnt"
    if value < _LOWEST / _NEAR:
        return "the least that is tried: nearly all predictions that it was fitted on are right"
    return ""
