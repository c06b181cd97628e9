"""Rows of `predictions.jsonl` → the scores of a report, as functions of how often each unit is drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .statistics.clusters import Units
from .statistics.label_scores import label_indicators
from .statistics.resampling import Statistic
from .statistics.score_statistics import (
    calibration_statistic,
    label_statistics,
    mean_statistics,
    ratio_statistic,
    regression_statistics,
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class PredictionScores:
    """Scores of the predictions of one split."""

    statistics: Mapping[str, Statistic]
    """By key."""
    shares: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Scores that are shares of examples: whether each of them is right, (examples,) 0 or 1."""
    scale: float = 1.0
    """Of these scores: 100 where they are percentages."""
    merit: np.ndarray = field(default_factory=lambda: np.empty(0))
    """How good each prediction is, (examples,), greater for better ones."""


def usable_rows(recipe: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that the scores are of: those with finite outputs, and without those of a fitted threshold."""
    if recipe == "classification":
        return [row for row in rows if row["prediction"] is not None]
    if recipe == "question_answering":
        return [row for row in rows if row.get("scored", True)]
    return [row for row in rows if all(np.isfinite(float(row.get(key, 0))) for key in ("mlm_loss", "pair_loss"))]


def prediction_scores(recipe: str, rows: Sequence[Row], units: Units) -> PredictionScores:
    """Return the scores of usable rows.

    Args:
        recipe: name of the recipe.
        rows: of one split.
        units: of the rows.
    """
    return _SCORES[recipe](rows, units)


def _classification(rows: Sequence[Row], units: Units) -> PredictionScores:
    loss = mean_statistics({"loss": _numbers(rows, "loss")}, units)
    if "probabilities" not in rows[0]:
        references, predictions = _numbers(rows, "reference"), _numbers(rows, "prediction")
        statistics = regression_statistics(references, predictions, units)
        return PredictionScores({**statistics, **loss}, merit=-np.abs(predictions - references))
    names = list(rows[0]["probabilities"])
    probabilities = np.array([[row["probabilities"][name] for name in names] for row in rows], float)
    if isinstance(rows[0]["reference"], list):
        references, predictions = (
            label_indicators([row[key] for row in rows], names) for key in ("reference", "prediction")
        )
        right, sure = references == predictions, np.where(predictions == 1, probabilities, 1 - probabilities)
        correct = right.all(1)
    else:
        number_of = {name: number for number, name in enumerate(names)}
        references, predictions = (
            np.array([number_of[row[key]] for row in rows]) for key in ("reference", "prediction")
        )
        correct = right = references == predictions
        sure = probabilities.max(1)
    statistics = label_statistics(references, predictions, len(names), units)
    statistics["calibration_error"] = calibration_statistic(sure, right, units)
    return PredictionScores({**statistics, **loss}, {"accuracy": correct.astype(float)}, merit=correct.astype(float))


def _question_answering(rows: Sequence[Row], units: Units) -> PredictionScores:
    has_answer = np.array([bool(row["reference"]) for row in rows], float)
    values = {name: _numbers(rows, name) for name in ("exact", "f1")}
    statistics = {name: _percent(statistic) for name, statistic in mean_statistics(values, units).items()}
    for name, column in values.items() if 0 < has_answer.mean() < 1 else ():
        for prefix, kind in (("HasAns", has_answer), ("NoAns", 1 - has_answer)):
            statistics[f"{prefix}_{name}"] = _percent(ratio_statistic(column * kind, kind, units))
    return PredictionScores(statistics, {"exact": values["exact"]}, 100.0, values["f1"])


def _pretraining(rows: Sequence[Row], units: Units) -> PredictionScores:
    losses, words, correct = (_numbers(rows, key) for key in ("mlm_loss", "mlm_count", "mlm_correct"))
    mlm_loss = ratio_statistic(losses, words, units)
    statistics = {
        "mlm_loss": mlm_loss,
        "perplexity": lambda weights: np.exp(np.minimum(mlm_loss(weights), 700.0)),
        "mlm_accuracy": ratio_statistic(correct, words, units),
        "loss": mlm_loss,
    }
    if "pair_loss" in rows[0]:
        pairs = {"pair_loss": _numbers(rows, "pair_loss"), "pair_accuracy": _numbers(rows, "pair_correct")}
        statistics |= mean_statistics(pairs, units)
        pair_loss = statistics["pair_loss"]
        statistics["loss"] = lambda weights: mlm_loss(weights) + pair_loss(weights)
    return PredictionScores(statistics, merit=-losses / np.maximum(words, 1))


_SCORES: dict[str, Callable[[Sequence[Row], Units], PredictionScores]] = {
    "classification": _classification,
    "question_answering": _question_answering,
    "pretraining": _pretraining,
}
SCORED_RECIPES = tuple(_SCORES)


def _numbers(rows: Sequence[Row], key: str) -> np.ndarray:
    return np.array([row[key] for row in rows], float)


def _percent(statistic: Statistic) -> Statistic:
    return lambda weights: 100 * statistic(weights)
