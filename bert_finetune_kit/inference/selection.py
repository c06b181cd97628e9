"""Which predictions to refuse, with what that is worth on validation examples."""

from ..calibration.selective import ScoredPredictions, Selection, select
from ..calibration.thresholds import ThresholdBasis
from ..errors import ConfigError
from .choices import choose


def selection(
    basis: ThresholdBasis, measured_on: ScoredPredictions, coverage: float | None, max_risk: float | None
) -> Selection:
    """Return which predictions to refuse, as `predict` does with the same arguments.

    Args:
        basis: validation predictions that the threshold is chosen on.
        measured_on: others.
        coverage: share of the predictions to keep, or
        max_risk: greatest share of the kept ones that may be wrong.

    Raises:
        ConfigError: neither or both are given, or it cannot be had.
    """
    if choose(basis, coverage, max_risk).is_empty:
        raise ConfigError("selection() needs coverage= or max_risk=.")
    return select(basis, measured_on, coverage, max_risk)
