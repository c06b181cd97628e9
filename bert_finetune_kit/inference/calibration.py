"""The calibration of a model in its folder: `calibration.json`."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..calibration.saved import Calibration
from ..calibration.selective import ScoredPredictions
from ..json_objects import from_mapping
from ..reporting.numbers import is_finite_number
from .settings import load_settings, save_settings

CALIBRATION_FILE = "calibration.json"
NOT_SAVED = f"{CALIBRATION_FILE} was not written, so that a loaded model has the probabilities of its logits"
LATER = "In this process predict() has the calibrated ones."
_ABOUT = (
    "Probabilities are computed from logits divided by these temperatures (Guo et al. 2017), which change no decision. "
    "They were fitted on one half of the validation examples, chosen_on; measured_on is the other half: confidence and "
    "correctness of each prediction, and the probability of the true label, from which thresholds for a coverage, a "
    "risk or sets of labels are chosen."
)
_HALVES = ("chosen_on", "measured_on")


def save_calibration(calibration: Calibration | None, folder: str | Path) -> None:
    """Write the file into the folder of a model; without a calibration an older one is removed.

    Args:
        calibration: of its probabilities; none where it has none.
        folder: of the model.
    """
    Path(folder, CALIBRATION_FILE).unlink(missing_ok=True)  # that of a shorter training is not that of these weights
    if calibration is not None:
        save_settings({"about": _ABOUT, **asdict(calibration)}, folder, CALIBRATION_FILE)


def load_calibration(folder: str | None) -> Calibration | None:
    """Return the calibration beside a model; none where it has none, as a stock model or one of an earlier version.

    Args:
        folder: of the model, or its Hub id.

    Raises:
        ModelError: the file beside the model is damaged.
    """
    return None if folder is None else load_settings(folder, CALIBRATION_FILE, _calibration)


def _calibration(content: dict[str, Any]) -> Calibration:
    halves = {name: from_mapping(ScoredPredictions, content[name]) for name in _HALVES}
    plain = {name: value for name, value in content.items() if name != "about"}
    calibration = replace(
        from_mapping(Calibration, plain), chosen_on=halves["chosen_on"], measured_on=halves["measured_on"]
    )
    wrong = [value for value in calibration.temperatures.values() if not is_finite_number(value) or value <= 0]
    if wrong:
        raise ValueError(f"a temperature is {wrong[0]!r}, and a number above 0 is needed")
    for name, half in halves.items():
        optional = [column for column in (half.label_probability, half.clusters) if column]
        lengths = {len(column) for column in (half.confidence, half.correct, *optional)}
        if len(lengths) > 1:
            raise ValueError(f"{name} has lists of several lengths")
    return calibration
