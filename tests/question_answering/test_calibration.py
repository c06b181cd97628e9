"""Calibration of answers and abstentions: what is fitted, on which half, and that no answer ever changes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax

from bert_finetune_kit.calibration.saved import NOT_CALIBRATED, Calibration
from bert_finetune_kit.calibration.selective import select
from bert_finetune_kit.question_answering.calibration import (
    ScoredSpans,
    calibration_details,
    fit_calibration,
    probabilities,
)
from bert_finetune_kit.question_answering.predictions import refuse, to_answers
from bert_finetune_kit.question_answering.question_spans import QuestionSpans

ANSWERS, NO_ANSWER = 2.0, 3.0  # true temperatures


def drawn(count=3000, mixed=True, seed=0):
    """Questions whose probabilities are right at these temperatures."""
    rng = np.random.default_rng(seed)
    scores = -np.sort(-rng.normal(0, 3, (count, 5)), axis=1)
    odds = rng.normal(0, 4, count) if mixed else np.full(count, -60.0)
    no_answer = expit(odds / NO_ANSWER)
    spans = QuestionSpans(scores, np.zeros((count, 5), int), np.zeros((count, 5), int), scores[:, 0] + odds)
    has_answer = rng.random(count) >= no_answer if mixed else np.ones(count, bool)
    right = has_answer & (rng.random(count) < softmax(scores / ANSWERS, axis=1)[:, 0])
    abstains = spans.no_answer > (0.5 if mixed else 1.0)
    return ScoredSpans(
        spans,
        has_answer,
        right,
        abstains,
        np.where(abstains, ~has_answer, right),
        np.arange(count) % 2 == 0,
        np.arange(count) // 30,
    )


def test_both_temperatures_are_found():
    scored = drawn()
    calibration = fit_calibration(scored)
    assert calibration.temperature("answers") == pytest.approx(ANSWERS, rel=0.15)
    assert calibration.temperature("no_answer") == pytest.approx(NO_ANSWER, rel=0.15)
    details = calibration_details(scored, calibration)
    for part in (details["calibration"], details["no_answer_calibration"]):
        assert part["after"]["calibration_error"] < part["before"]["calibration_error"] / 2
        assert part["after"]["calibration_error"] <= part["after"]["by_chance"]
        assert part["fitted_on"] == part["judged_on"] == 1500
    assert len(calibration.chosen_on.confidence) == len(calibration.measured_on.correct) == 1500


def test_articles_are_kept_with_the_predictions():
    calibration = fit_calibration(drawn(300))
    for half in (calibration.chosen_on, calibration.measured_on):
        assert half.clusters == np.repeat(np.arange(10), 15).tolist()
    scored = drawn(300)
    alone = fit_calibration(replace(scored, units=np.arange(300)))
    assert alone.chosen_on.clusters == []


def test_questions_that_all_have_an_answer():
    scored = drawn(mixed=False)
    calibration = fit_calibration(scored)
    assert calibration.temperature("answers") == pytest.approx(ANSWERS, rel=0.15)
    assert list(calibration.temperatures) == ["answers"]
    assert "no_answer_calibration" not in calibration_details(scored, calibration)


def test_few_questions_keep_temperatures_of_1():
    scored = drawn(count=60)
    calibration = fit_calibration(scored)
    assert calibration.temperatures == {"answers": 1, "no_answer": 1}
    values, no_answer = probabilities(scored.spans, calibration.fitted)
    assert (values == scored.spans.probabilities()).all()
    assert (no_answer == scored.spans.no_answer).all()


def test_probabilities_of_spans_and_no_answer_sum_to_1():
    spans = drawn(count=50).spans
    spans.scores[0], spans.scores[1, 1:] = -np.inf, -np.inf  # no span, and a single one
    spans.null[0] = 0
    values, no_answer = probabilities(spans, Calibration({"answers": 2.0, "no_answer": 0.5}).fitted)
    assert values.sum(1) == pytest.approx(np.ones(50))
    assert (values[:, -1] == no_answer).all()
    assert no_answer[0] == 1
    assert values[1, 0] == pytest.approx(1 - no_answer[1])
    plain, _ = probabilities(spans, NOT_CALIBRATED.fitted)
    assert (plain == spans.probabilities()).all()


@given(answers=st.floats(0.01, 100), no_answer=st.floats(0.01, 100), threshold=st.floats(0, 1), null=st.floats(-30, 30))
@settings(max_examples=30, deadline=None)
def test_calibration_changes_no_answer(toy, answers, no_answer, threshold, null):
    predictions = toy.predict(np.linspace(null - 3, null + 3, len(toy.rows)))
    plain = to_answers(predictions, threshold)
    calibrated = to_answers(predictions, threshold, Calibration({"answers": answers, "no_answer": no_answer}).fitted)
    assert [(answer.text, answer.start) for answer in calibrated] == [(answer.text, answer.start) for answer in plain]
    for answer in calibrated[:3]:
        assert sum(value for _, value in answer.n_best) + answer.no_answer == pytest.approx(1)
        assert answer.score == pytest.approx(answer.no_answer if answer.text is None else answer.n_best[0][1])


def test_refused_answers_have_no_text(toy):
    answers = to_answers(toy.predict(np.where(toy.has_answer, -3, 0.1)), 0.5)
    half = drawn(count=200)
    calibration = fit_calibration(half)
    selection = select(calibration.chosen_on.basis, calibration.measured_on, 0.5, None)
    refused = refuse(answers, selection)
    for before, after in zip(answers, refused, strict=True):
        assert after.refused == (before.score <= selection.threshold)
        assert (after.text, after.start) == ((None, None) if after.refused else (before.text, before.start))
        assert after.n_best == before.n_best
    assert 0 < sum(answer.refused for answer in refused) < len(refused)
    assert refuse(answers, None) == answers
