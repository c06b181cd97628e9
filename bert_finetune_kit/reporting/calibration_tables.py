"""Tables of predicted probabilities: before and after calibration, refused predictions, sets of labels."""

import numpy as np

from .details import CalibrationDetails, LabelSetDetails, RiskCoverage
from .formatting import UNDEFINED
from .intervals import wilson
from .schema import ReportTable

_COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
_SHOWN = 8  # temperatures of labels in a note
_SCORES = (
    "- **calibration error**: mean gap of confidence and accuracy, 15 bins with as many predictions each.\n"
    "- **by chance**: what 95% of calibrated models with these confidences would not exceed on as many predictions.\n"
    "- **NLL**: mean negative log-likelihood in nats.\n"
    "- **Brier**: mean squared error of the probabilities."
)


def calibration_table(details: CalibrationDetails, title: str, confidence: str) -> ReportTable:
    """Return what probabilities are worth before and after calibration, each a row.

    Args:
        details: of a split.
        title: of the table.
        confidence: what the probabilities are of, with a full stop.
    """
    sides = {"of the logits": details["before"], "calibrated, as predict() gives them": details["after"]}
    changed = any(value != 1 for value in details["temperatures"].values())
    rows = [
        [
            name, f"{side['calibration_error']:.1%}", f"{side['by_chance']:.1%}", f"{side['nll']:.4f}",
            f"{side['brier']:.4f}",
        ]
        for name, side in (sides if changed else {"of the logits": details["before"]}).items()
    ]  # fmt: skip
    note = f"{confidence} {_origin(details)} Labels and answers are those of the logits: calibration changes none."
    return ReportTable(
        title, ["probabilities", "calibration error", "by chance", "NLL", "Brier"], rows, f"{note}\n\n{_SCORES}"
    )


def _origin(details: CalibrationDetails) -> str:
    """Return what the temperatures are, and what they were fitted and judged on."""
    judged, fitted, reasons = details["judged_on"], details["fitted_on"], details["reasons"]
    stays = {name for name, value in details["temperatures"].items() if name in reasons and value == 1}
    values = [f"{value:.2f} for {name}" for name, value in details["temperatures"].items() if name not in stays]
    if len(values) > _SHOWN:
        values = [*values[:_SHOWN], "…"]
    kept = [
        f"{'It stays 1' if name in stays else 'It is at its limit'} for {name}: {reason}."
        for name, reason in reasons.items()
    ][:_SHOWN]
    where = (
        f"fitted on {fitted:,} examples of the split and judged on the other {judged:,}"
        if fitted
        else f"saved with the model, judged on {judged:,} examples that it was not fitted on"
    )
    if not details["temperatures"]:
        return f"No temperature is saved with the model; {judged:,} examples."
    return " ".join([f"Temperature {', '.join(values)}, {where}." if values else f"No temperature, {where}.", *kept])


def risk_table(curve: RiskCoverage, title: str) -> ReportTable:
    """Return how many of the surest predictions are wrong, a row a coverage."""
    rows = []
    for coverage in _COVERAGES:
        at = int(np.abs(np.array(curve["coverage"]) - coverage).argmin())
        kept = round(curve["coverage"][at] * curve["predictions"])
        low, high = wilson(round(curve["risk"][at] * kept), kept)
        rows.append([f"{curve['coverage'][at]:.1%}", f"{curve['risk'][at]:.1%}", f"{low:.1%} to {high:.1%}"])
    unique = [row for number, row in enumerate(rows) if row not in rows[:number]]
    note = (
        f"Of {curve['predictions']:,} predictions that nothing was fitted on, the least sure ones are refused, as "
        f"predict(…, coverage=0.9) does; mean over all coverages {curve['area']:.1%}."
    )
    return ReportTable(title, ["kept", "wrong among them", "95% interval"], unique, note)


def label_set_table(details: LabelSetDetails, title: str) -> ReportTable:
    """Return how often sets of labels hold the true one, and how large they are."""
    sizes = details["sizes"]
    low, high = details["interval"]
    mean = float(np.average(np.arange(len(sizes)), weights=sizes)) if sum(sizes) else None
    rows = [
        [
            f"{details['level']:.0%}", f"{details['covered']:.1%}", f"{low:.1%} to {high:.1%}",
            UNDEFINED if mean is None else f"{mean:.2f}", f"{sizes[0]:,}",
        ]
    ]  # fmt: skip
    note = (
        "As predict(…, label_sets=0.9) returns them: the labels with a probability of "
        f"{details['lowest_probability']:.3g} or more (split conformal prediction). Where fewer sets are to hold the "
        "label than the model gets right, some are empty."
    )
    return ReportTable(title, ["asked for", "hold the label", "95% interval", "labels in a set", "empty"], rows, note)
