"""Selective prediction: the least sure predictions are refused, so that those that are left are more often right."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import stats

from ..reporting.details import RiskCoverage
from ..reporting.formatting import format_interval
from ..reporting.intervals import Interval, share_interval
from ..reporting.statistics.clusters import Units, single_units
from ..reporting.statistics.shares import upper_share
from .thresholds import (
    CONFIDENCE,
    COVERAGES,
    Threshold,
    ThresholdBasis,
    tested_thresholds,
    threshold_for_coverage,
    threshold_for_risk,
)

_POINTS = 100  # of a curve


@dataclass(frozen=True)
class ScoredPredictions:
    """Predictions of a half of the validation examples whose references are known."""

    confidence: list[float]
    """Probability of each prediction."""
    correct: list[bool]
    label_probability: list[float]
    """Probability of the true label of each example; empty where an example has not one label."""
    clusters: list[int] = field(default_factory=list)
    """Number of the article or group of each; empty where each stands for itself."""

    def units(self, chosen: np.ndarray) -> Units:
        """Return which of the chosen ones are independent of each other.

        Args:
            chosen: (predictions,) bool.
        """
        if not self.clusters:
            return single_units(int(chosen.sum()))
        return Units("clusters", np.unique(np.array(self.clusters)[chosen], return_inverse=True)[1])

    @cached_property
    def basis(self) -> ThresholdBasis:
        """What thresholds are chosen by.

        At ten coverages the share of wrong predictions has an upper bound at a tenth of the level, so that with 95%
        confidence all ten hold, whichever is chosen (Geifman and El-Yaniv 2017, who search among the coverages in the
        same way). The bound is exact where examples are independent (Clopper and Pearson 1934); those of an article or
        group count as many as they are worth (Korn and Graubard 1998).
        """
        confidence, wrong = np.array(self.confidence), ~np.array(self.correct, bool)
        kept = [confidence > threshold for threshold in tested_thresholds(self.confidence)] if self.confidence else []
        bounds = [_upper_bound(wrong[chosen], self.units(chosen)) for chosen in kept]
        return ThresholdBasis(self.confidence, self.label_probability, bounds, len(set(self.clusters)))


@dataclass(frozen=True)
class Selection(Threshold):
    """Which predictions are refused, and what that was worth on validation examples.

    `print(selection)` says it in words.
    """

    chosen_on: int
    """Validation examples that the threshold was chosen on."""
    measured_on: int
    """Others, that it was measured on."""
    coverage: float
    """Share of these whose prediction is kept."""
    coverage_interval: Interval
    """95%, exact (Clopper and Pearson 1934); by articles or groups where there are any."""
    risk: float
    """Share of the kept predictions that is wrong; NaN where none is kept."""
    risk_interval: Interval
    risk_of_all: float
    """The same without refusing any."""
    bound: float | None = None
    """The risk is at most this with 95% confidence; none where a coverage was asked for."""
    clusters: int = 0
    """Articles or groups of the examples that the threshold was chosen on; 0 where each stands for itself."""

    def __str__(self) -> str:
        """Return what is refused, and what was measured."""
        refused = (
            f"Predictions with a confidence of {self.threshold:.6g} or less are refused."
            if math.isfinite(self.threshold)
            else "No prediction is refused."
        )
        measured = self._in_words()
        if self.bound is None:
            return f"{refused} {measured}"
        independent = (
            f"counting them as {self.clusters:,} articles, groups or texts that differ from each other"
            if self.clusters
            else "taken as independent"
        )
        return (
            f"{refused} With {CONFIDENCE:.0%} confidence at most {self.bound:.1%} of the kept ones are wrong, for "
            f"inputs like the {self.chosen_on:,} validation examples that show it, {independent}. {measured}"
        )

    def _in_words(self) -> str:
        if not self.measured_on:
            return "There are no other validation examples to measure it on."
        on = f"On {self.measured_on:,} validation examples that were not used for this,"
        if math.isnan(self.risk):
            return f"{on} no prediction is kept."
        kept, wrong = (format_interval(interval, ".1%") for interval in (self.coverage_interval, self.risk_interval))
        return (
            f"{on} {self.coverage:.1%} of the predictions are kept (95% interval {kept}), and {self.risk:.1%} of them "
            f"are wrong ({wrong}), against {self.risk_of_all:.1%} of all."
        )


def select(
    basis: ThresholdBasis, measured_on: ScoredPredictions, coverage: float | None, max_risk: float | None
) -> Selection:
    """Return which predictions to refuse, and what that is worth.

    Args:
        basis: predictions that the threshold is chosen on.
        measured_on: others.
        coverage: share of new predictions to keep, on average over validation sets, or
        max_risk: greatest share of the kept predictions that may be wrong; most predictions are kept while a bound of
            the risk is low enough.

    Raises:
        ConfigError: it is no share, there are no predictions to choose by, or no threshold has such a bound.
    """
    if coverage is not None:
        threshold, bound = threshold_for_coverage(coverage, basis.confidence), None
    else:
        threshold, bound = threshold_for_risk(max_risk or 0.0, basis)
    return _measured(threshold, basis, measured_on, bound)


def _upper_bound(wrong: np.ndarray, units: Units) -> float:
    """Return the upper bound of a share at 95% for all coverages at once; of nothing kept, 1."""
    return upper_share(wrong, units, (1 - CONFIDENCE) / len(COVERAGES)) if len(wrong) else 1.0


def risk_coverage(confidence: np.ndarray, correct: np.ndarray) -> RiskCoverage:
    """Return the share of wrong predictions among the surest ones (El-Yaniv and Wiener 2010).

    Args:
        confidence: (predictions,).
        correct: (predictions,) bool.

    Returns:
        `coverage` and `risk` from the surest prediction to all of them, at about a hundred points; `area`, the mean
        risk over all coverages; `predictions`, their number.
    """
    order = np.argsort(-confidence, kind="stable")
    wrong, kept = np.cumsum(~correct[order]), np.arange(1, len(order) + 1)
    ends = np.append(np.diff(confidence[order]) != 0, True)  # equal ones are kept or refused together
    coverage, risk = kept[ends] / len(order), wrong[ends] / kept[ends]
    area = float(np.diff(coverage, prepend=0) @ risk)
    shown = np.unique(np.linspace(0, len(risk) - 1, _POINTS).round().astype(int))
    return {
        "coverage": coverage[shown].tolist(),
        "risk": risk[shown].tolist(),
        "area": area,
        "predictions": len(order),
    }


def _measured(
    threshold: float, basis: ThresholdBasis, measured_on: ScoredPredictions, bound: float | None
) -> Selection:
    confidence, correct = np.array(measured_on.confidence), np.array(measured_on.correct, bool)
    kept = confidence > threshold
    wrong, every = ~correct[kept], np.ones(len(kept), bool)
    return Selection(
        threshold=threshold,
        chosen_on=len(basis.confidence),
        measured_on=len(confidence),
        coverage=_ratio(int(kept.sum()), len(kept)),
        coverage_interval=_interval(kept, measured_on.units(every)),
        risk=_ratio(int(wrong.sum()), int(kept.sum())),
        risk_interval=_interval(wrong, measured_on.units(kept)),
        risk_of_all=_ratio(int((~correct).sum()), len(correct)),
        bound=bound,
        clusters=basis.clusters,
    )


def _interval(successes: np.ndarray, units: Units) -> Interval:
    """Return the 95% interval of a share: exact, and of examples in units that of `share_interval`."""
    if units.are_examples or not len(successes):
        return exact_interval(int(successes.sum()), len(successes))
    return share_interval(successes, units)


def exact_interval(successes: int, total: int) -> Interval:
    """Return the exact 95% interval of a share (Clopper and Pearson 1934); of nothing, all shares."""
    if not total:
        return 0.0, 1.0
    interval = stats.binomtest(successes, total).proportion_ci(method="exact")
    return float(interval.low), float(interval.high)


def _ratio(part: int, total: int) -> float:
    return part / total if total else math.nan
