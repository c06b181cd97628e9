"""Logits of validation splits → calibrated probabilities, judged on examples that nothing was fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from datasets import Dataset

from ..calibration.conformal import label_sets, lowest_probability
from ..calibration.reliability import judge
from ..calibration.saved import Calibration, scored_predictions
from ..calibration.selective import exact_interval, risk_coverage
from ..calibration.temperature import Temperature, fit_temperature
from ..data.groups import half_of_groups
from ..errors import ConfigError
from ..reporting.details import CalibrationDetails, ClassificationDetails, Judgement, LabelSetDetails
from ..reporting.predictions import text_hash
from ..reporting.statistics.clusters import Units
from ..tasks.task import Kind
from .labels import LabelSet
from .metrics import confidences, mean_loss
from .prediction import ALL_LABELS, Predictions, calibrated, decode, prediction_confidences, scaled

_LEVEL = 0.9  # of the sets of labels in a report


@dataclass(frozen=True)
class SplitLogits:
    """The finite logits of a split."""

    logits: np.ndarray
    """(examples, labels)."""
    references: np.ndarray
    """As `LabelSet.encode` returns them."""
    fit: np.ndarray
    """(examples,) bool: those that a calibration is fitted on; it is judged on the others."""
    units: Units
    """What is independent: groups or texts, and else single examples."""

    def take(self, chosen: np.ndarray) -> "SplitLogits":
        """Return some of the examples.

        Args:
            chosen: (examples,) bool.
        """
        return SplitLogits(self.logits[chosen], self.references[chosen], self.fit[chosen], self.units.take(chosen))


def half_to_fit(rows: Dataset, text_columns: Sequence[str], group: str | None) -> np.ndarray:
    """Return which examples to fit a calibration on, (examples,) bool: whole groups, and without groups equal texts.

    Args:
        rows: of a split.
        text_columns: columns of the texts.
        group: column of what belongs together; none means that examples with the same texts do.
    """
    if group is not None and group in rows.column_names:
        return half_of_groups([str(value) for value in rows[group][:]])
    return half_of_groups([text_hash(*texts) for texts in zip(*(rows[name][:] for name in text_columns), strict=True)])


def fit_calibration(splits: Sequence[SplitLogits], labels: LabelSet, threshold: float) -> Calibration:
    """Return temperatures fitted on the half of all splits, and what is kept of the predictions of both halves.

    Args:
        splits: the validation splits; of a regression nothing is fitted.
        labels: of the task.
        threshold: lowest probability of a label in a multi_label task.
    """
    if labels.kind == "regression":
        return Calibration()
    fit, rest = (_joined([part.take(part.fit == chosen) for part in splits]) for chosen in (True, False))
    fitted = _temperatures(fit, labels)
    temperatures = {name: temperature.value for name, temperature in fitted.items()}
    calibration = Calibration(
        temperatures, reasons={name: temperature.reason for name, temperature in fitted.items() if temperature.reason}
    )
    halves = []
    for part in (fit, rest):
        predicted = calibrated(part.logits, part.references, labels, threshold, calibration.temperatures)
        true = np.take_along_axis(predicted.probabilities, part.references[:, None], 1)[:, 0] if _is_one(labels) else ()
        halves.append(scored_predictions(*example_confidences(predicted), true, part.units))
    return replace(calibration, chosen_on=halves[0], measured_on=halves[1])


def _temperatures(part: SplitLogits, labels: LabelSet) -> dict[str, Temperature]:
    logits, references = part.logits, part.references
    if _is_one(labels):
        return {ALL_LABELS: _fitted(logits, references, labels.kind, logits.argmax(1) == references)}
    return {
        name: _fitted(logits[:, [k]], references[:, [k]], labels.kind, (logits[:, k] > 0) == (references[:, k] == 1))
        for k, name in enumerate(labels.names)
    }


def _fitted(logits: np.ndarray, references: np.ndarray, kind: Kind, correct: np.ndarray) -> Temperature:
    return fit_temperature(lambda temperature: mean_loss(logits / temperature, references, kind), correct)


def _is_one(labels: LabelSet) -> bool:
    return labels.kind == "single_label"


def _joined(parts: Sequence[SplitLogits]) -> SplitLogits:
    logits, references, fit = zip(*((part.logits, part.references, part.fit) for part in parts), strict=True)
    starts = np.cumsum([0, *(part.units.count for part in parts)])
    numbers = [part.units.numbers + start for part, start in zip(parts, starts, strict=False)]
    units = Units(parts[0].units.name, np.concatenate(numbers))
    return SplitLogits(np.concatenate(logits), np.concatenate(references), np.concatenate(fit), units)


def example_confidences(predicted: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence of each example's prediction, and whether it is correct, both (examples,).

    In a multi_label task all labels must be right, and their probabilities are multiplied.
    """
    correct = predicted.predictions == predicted.references
    return prediction_confidences(predicted), correct if correct.ndim == 1 else correct.all(1)


def details_of(
    part: SplitLogits, labels: LabelSet, threshold: float, calibration: Calibration
) -> ClassificationDetails:
    """Return reliability before and after, risk by coverage and sets of labels, of the examples to judge on.

    Args:
        part: a split; where the calibration was given with the model, no example of it is one to fit on.
        labels: of the task.
        threshold: lowest uncalibrated probability of a label in a multi_label task.
        calibration: temperatures.
    """
    rest = part.take(~part.fit)
    if not len(rest.references) or labels.kind == "regression":
        return {}
    predicted = calibrated(rest.logits, rest.references, labels, threshold, calibration.temperatures)
    before = _judged(rest.logits, decode(rest.logits, rest.references, labels.kind, threshold), labels)
    after = _judged(scaled(rest.logits, labels, calibration.temperatures), predicted, labels)
    details: ClassificationDetails = {
        "calibration": CalibrationDetails(
            temperatures=dict(calibration.temperatures), reasons=dict(calibration.reasons),
            fitted_on=int(part.fit.sum()), judged_on=len(rest.references), before=before, after=after,
        ),
        "risk_coverage": risk_coverage(*example_confidences(predicted)),
    }  # fmt: skip
    sets = label_set_details(predicted, calibration) if _is_one(labels) else None
    if sets is not None:
        details["label_sets"] = sets
    return details


def _judged(logits: np.ndarray, predicted: Predictions, labels: LabelSet) -> Judgement:
    """Return what the probabilities of logits are worth."""
    references = predicted.references
    one_hot = np.eye(len(labels.names))[references] if _is_one(labels) else references
    errors = (predicted.probabilities - one_hot) ** 2
    brier = errors.sum(1).mean() if _is_one(labels) else errors.mean()
    return judge(*confidences(predicted), mean_loss(logits, references, labels.kind), float(brier))


def label_set_details(
    predicted: Predictions, calibration: Calibration, level: float = _LEVEL
) -> LabelSetDetails | None:
    """Return how often sets of labels hold the true one; none where there are too few examples to choose by.

    Args:
        predicted: with one label an example.
        calibration: has the examples to choose by.
        level: share of the sets that are to hold the true label.
    """
    try:
        lowest = lowest_probability(level, np.array(calibration.chosen_on.label_probability))
    except ConfigError:
        return None
    sets = label_sets(predicted.probabilities, lowest)
    held = int(np.take_along_axis(sets, predicted.references[:, None], 1).sum())
    return {
        "level": level,
        "lowest_probability": lowest,
        "covered": held / len(sets),
        "interval": exact_interval(held, len(sets)),
        "sizes": np.bincount(sets.sum(1)).tolist(),
    }


def halves_of(
    rows: Mapping[str, Dataset], text_columns: Sequence[str], group: str | None, fitting: bool
) -> dict[str, np.ndarray]:
    """Return which examples of each split to fit on; none of them where nothing is fitted."""
    return {
        split: half_to_fit(part, text_columns, group) if fitting else np.zeros(len(part), bool)
        for split, part in rows.items()
    }
