import numpy as np
import pytest

from bert_finetune_kit.calibration.reliability import (
    binary_judgement,
    binary_nll,
    equal_mass_bins,
    equal_mass_error,
    error_by_chance,
)


def test_bins_have_as_many_predictions_each():
    confidence = np.random.default_rng(0).beta(8, 1, 600)
    counts = np.bincount(equal_mass_bins(confidence))
    assert counts.tolist() == [40] * 15
    assert len(np.bincount(equal_mass_bins(confidence[:35]))) == 3  # ten a bin at least
    assert equal_mass_bins(confidence[:9]).tolist() == [0] * 9


def test_the_error_by_hand():
    confidence = np.array([0.6] * 10 + [0.9] * 10)
    correct = np.array([True] * 5 + [False] * 5 + [True] * 10)
    assert equal_mass_error(confidence, correct) == pytest.approx((0.1 + 0.1) / 2)


def test_the_order_of_equal_confidences_does_not_matter():
    correct = np.array([True] * 50 + [False] * 50)  # sorted, as by label
    assert equal_mass_error(np.full(100, 0.5), correct) == 0


def test_a_calibrated_model_stays_within_what_chance_gives():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 300)
    limit = error_by_chance(confidence, equal_mass_error)
    errors = [equal_mass_error(confidence, rng.random(300) < confidence) for _ in range(400)]
    assert 0.91 < np.mean(np.array(errors) <= limit) < 0.985
    assert equal_mass_error(confidence, rng.random(300) < confidence - 0.2) > limit


def test_scores_of_an_event_by_hand():
    probability, happened = np.array([0.8, 0.6]), np.array([True, False])
    judged = binary_judgement(probability, happened)
    assert judged["nll"] == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert judged["brier"] == pytest.approx((0.04 + 0.36) / 2)
    assert [part["count"] for part in judged["bins"]] == [2]
    assert np.isfinite(binary_nll(np.array([0.0]), np.array([True])))
