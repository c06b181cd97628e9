"""Scores of spans → calibrated probabilities of answers and of no answer, judged on questions not fitted on.

Shapes: questions is the number of questions, n_best the spans kept of each.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..calibration.probabilities import sigmoid
from ..calibration.reliability import binary_judgement, binary_nll
from ..calibration.saved import Calibration, scored_predictions
from ..calibration.selective import ScoredPredictions, risk_coverage
from ..calibration.temperature import fit_temperature
from ..reporting.details import CalibrationDetails, QuestionAnsweringDetails
from ..reporting.statistics.clusters import Units
from .data import QAData
from .intervals import independent_units
from .metrics import AnswerScores
from .probabilities import ANSWERS, NO_ANSWER, no_answer_odds, probabilities
from .question_spans import QuestionSpans
from .threshold import split_for_threshold


@dataclass(frozen=True)
class ScoredSpans:
    """Spans of questions, what the model decides, and what was right."""

    spans: QuestionSpans
    has_answer: np.ndarray
    """(questions,) bool."""
    best_is_right: np.ndarray
    """(questions,) bool: whether the best span is exactly an answer."""
    abstains: np.ndarray
    """(questions,) bool."""
    decision_is_right: np.ndarray
    """(questions,) bool: whether the answer is exactly right, or there is none and the model abstains."""
    fit: np.ndarray
    """(questions,) bool: those that a calibration is fitted on; it is judged on the others."""
    units: np.ndarray
    """(questions,) int: number of what is independent, such as the article."""

    def take(self, chosen: np.ndarray) -> "ScoredSpans":
        """Return some of the questions."""
        spans = QuestionSpans(*(values[chosen] for values in vars(self.spans).values()))
        others = {name: values[chosen] for name, values in vars(self).items() if name != "spans"}
        return ScoredSpans(spans, **others)


def scored_spans(
    data: QAData,
    spans: QuestionSpans,
    answers: AnswerScores,
    abstains: np.ndarray,
    exact: np.ndarray,
    fitted_on: np.ndarray | None,
) -> ScoredSpans:
    """Return what a calibration is fitted to: where a threshold was fitted, the same half, else one chosen like it.

    Args:
        data: of the run.
        spans: of all questions.
        answers: scores of the best spans.
        abstains: (questions,) bool.
        exact: exact match of each question at the threshold, (questions,).
        fitted_on: (questions,) bool, the half that a threshold was fitted on; none where none was.
    """
    has_answer, split = answers.has_answer, data.validation_split
    if data.calibration is not None:
        fit = np.zeros(len(has_answer), bool)
    elif fitted_on is not None:
        fit = fitted_on
    else:
        fit, _ = split_for_threshold(has_answer, split.titles, split.contexts)
    units = independent_units(split.titles, split.contexts, fit).numbers
    return ScoredSpans(spans, has_answer, has_answer & (answers.exact == 1), abstains, exact == 1, fit, units)


def confidences(spans: QuestionSpans, abstains: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Return the probability of what the model decides for each question, (questions,): its answer, or that there is
    none.
    """
    values, _ = probabilities(spans, calibration.fitted)
    return np.where(abstains, values[:, -1], values[:, 0])


def fit_calibration(scored: ScoredSpans) -> Calibration:
    """Return temperatures fitted on a half of the questions, and what is kept of the predictions of both halves.

    The temperature of no answer is fitted to whether there is an answer, that of answers then to whether the best span
    is exactly right.

    Args:
        scored: all questions.
    """
    fit, rest = scored.take(scored.fit), scored.take(~scored.fit)
    calibration = Calibration()
    if not scored.has_answer.all():
        odds = no_answer_odds(fit.spans)
        temperature = fit_temperature(
            lambda value: binary_nll(sigmoid(odds / value), ~fit.has_answer), (odds > 0) == ~fit.has_answer
        )
        calibration = _with(calibration, NO_ANSWER, temperature.value, temperature.reason)

    def nll(value: float) -> float:
        shares, _ = probabilities(fit.spans, {**before, ANSWERS: value})
        return binary_nll(shares[:, 0], fit.best_is_right)

    before = calibration.fitted
    temperature = fit_temperature(nll, fit.best_is_right)
    calibration = _with(calibration, ANSWERS, temperature.value, temperature.reason)
    chosen_on, measured_on = (_kept(part, calibration) for part in (fit, rest))
    return replace(calibration, chosen_on=chosen_on, measured_on=measured_on)


def _kept(part: ScoredSpans, calibration: Calibration) -> ScoredPredictions:
    units = Units("articles", np.unique(part.units, return_inverse=True)[1])
    confidence = confidences(part.spans, part.abstains, calibration)
    return scored_predictions(confidence, part.decision_is_right, units=units)


def _with(calibration: Calibration, name: str, temperature: float, reason: str) -> Calibration:
    reasons = {**calibration.reasons, **({name: reason} if reason else {})}
    return replace(calibration, temperatures={**calibration.temperatures, name: temperature}, reasons=reasons)


def calibration_details(scored: ScoredSpans, calibration: Calibration) -> QuestionAnsweringDetails:
    """Return reliability before and after, and risk by coverage, of the questions to judge on.

    Args:
        scored: all questions; where the calibration was given with the model, none of them is one to fit on.
        calibration: temperatures.
    """
    rest = scored.take(~scored.fit)
    if not len(rest.fit):
        return {}
    after = confidences(rest.spans, rest.abstains, calibration)
    plain = Calibration()
    details: QuestionAnsweringDetails = {
        "calibration": _compared(
            scored, calibration, confidences(rest.spans, rest.abstains, plain), after, rest.decision_is_right
        ),
        "risk_coverage": risk_coverage(after, rest.decision_is_right),
    }
    if scored.has_answer.any() and not scored.has_answer.all():
        before, no_answer = (probabilities(rest.spans, given.fitted)[1] for given in (plain, calibration))
        details["no_answer_calibration"] = _compared(scored, calibration, before, no_answer, ~rest.has_answer)
    return details


def _compared(
    scored: ScoredSpans, calibration: Calibration, before: np.ndarray, after: np.ndarray, happened: np.ndarray
) -> CalibrationDetails:
    return {
        "temperatures": dict(calibration.temperatures),
        "reasons": dict(calibration.reasons),
        "fitted_on": int(scored.fit.sum()),
        "judged_on": len(happened),
        "before": binary_judgement(before, happened),
        "after": binary_judgement(after, happened),
    }
