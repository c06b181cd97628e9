"""Thresholds that are chosen on validation predictions, in numpy alone, so that an exported model has them, too."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from ..errors import ConfigError

CONFIDENCE = 0.95
"""Of a bound on the risk."""
COVERAGES = [number / 10 for number in range(1, 11)]
"""At which a bound is tested."""


@dataclass(frozen=True)
class Threshold:
    """Which predictions are refused."""

    threshold: float
    """A prediction whose confidence is not above it is refused; -inf refuses none."""

    def keeps(self, confidence: np.ndarray) -> np.ndarray:
        """Return which predictions are kept, (predictions,) bool."""
        return np.asarray(confidence > self.threshold)


@dataclass(frozen=True)
class ThresholdBasis:
    """What is known of the validation predictions that thresholds are chosen on."""

    confidence: list[float] = field(default_factory=list)
    """Probability of each prediction."""
    label_probability: list[float] = field(default_factory=list)
    """Probability of the true label of each example; empty where an example has not one label."""
    risk_bounds: list[float] = field(default_factory=list)
    """Upper bound of the share of wrong ones among the predictions above each of `tested_thresholds`."""
    clusters: int = 0
    """Articles or groups of the examples; 0 where each stands for itself."""

    def __post_init__(self) -> None:
        """Check that there is a bound for each coverage.

        Raises:
            ValueError: there is not.
        """
        if self.confidence and len(self.risk_bounds) != len(COVERAGES):
            raise ValueError(f"risk_bounds has {len(self.risk_bounds)} numbers, and {len(COVERAGES)} are needed")

    def __str__(self) -> str:
        """Return how many examples there are."""
        groups = f" of {self.clusters:,} articles, groups or texts" * bool(self.clusters)
        return f"{len(self.confidence):,} validation examples{groups}"


def threshold_for_coverage(coverage: float, confidence: Sequence[float]) -> float:
    """Return the threshold that keeps a share of the predictions.

    Args:
        coverage: share of new predictions to keep, on average over validation sets.
        confidence: of the predictions that it is chosen on.

    Raises:
        ConfigError: it is no share, or there are no predictions to choose by.
    """
    if isinstance(coverage, bool) or coverage != 1:  # all of them
        check_share("coverage", coverage)
    _check_known(confidence)
    descending = np.sort(confidence)[::-1]
    # A new prediction is above the r-th surest of n with probability r / (n + 1): each of n + 1 ranks is as likely.
    rank = math.ceil(coverage * (len(descending) + 1) - 1e-9)
    threshold = float(descending[rank - 1]) if rank <= len(descending) and coverage < 1 else -math.inf
    # Equal ones are kept or refused together, whichever is closer to the share.
    refusing, keeping = (descending > threshold).mean(), (descending >= threshold).mean()
    if (descending == threshold).sum() > 1 and abs(keeping - coverage) < abs(refusing - coverage):
        lower = descending[descending < threshold]
        threshold = (threshold + float(lower[0])) / 2 if len(lower) else -math.inf
    return threshold


def threshold_for_risk(max_risk: float, basis: ThresholdBasis) -> tuple[float, float]:
    """Return the threshold that keeps most predictions while a bound of the risk is low enough, and that bound.

    Args:
        max_risk: greatest share of the kept predictions that may be wrong.
        basis: with the bounds.

    Raises:
        ConfigError: it is no share, or no threshold has such a bound.
    """
    check_share("max_risk", max_risk)
    _check_known(basis.confidence)
    # Of equal thresholds the bounds are equal, too.
    bounds = dict(zip(tested_thresholds(basis.confidence), basis.risk_bounds, strict=True))
    low_enough = [threshold for threshold, bound in bounds.items() if bound <= max_risk]
    if not low_enough:
        best = math.ceil(1000 * min(bounds.values())) / 1000
        raise ConfigError(
            f"max_risk={max_risk:g} cannot be shown by the {basis} that a threshold is chosen on: the lowest risk "
            f"that they show with {CONFIDENCE:.0%} confidence is {best:.3g}. Allow that much, give coverage= instead, "
            "or train with more validation examples."
        )
    threshold = min(low_enough)
    return threshold, bounds[threshold]


def tested_thresholds(confidence: Sequence[float]) -> list[float]:
    """Return the thresholds that keep a tenth, two tenths, … of the predictions: their ranks do not depend on them."""
    descending = np.sort(confidence)[::-1]
    ranks = [int(coverage * len(descending)) for coverage in COVERAGES]
    return [float(descending[rank]) if rank < len(descending) else -math.inf for rank in ranks]


def check_share(name: str, value: float) -> None:
    """Check that a setting is a share.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < 1:
        raise ConfigError(f"{name}={value!r} is no share: give a number between 0 and 1.")


def _check_known(confidence: Sequence[float]) -> None:
    if not len(confidence):
        raise ConfigError("No validation prediction is finite: there is nothing to choose a threshold by.")
