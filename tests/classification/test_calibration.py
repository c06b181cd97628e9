"""Calibration of a classification: what is fitted, on which half, and that no label ever changes."""

from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from bert_finetune_kit.calibration.saved import NOT_CALIBRATED, Calibration
from bert_finetune_kit.calibration.selective import ScoredPredictions
from bert_finetune_kit.classification.calibration import (
    SplitLogits,
    calibrated,
    details_of,
    fit_calibration,
    half_to_fit,
)
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.metrics import decode
from bert_finetune_kit.classification.prediction import to_predictions
from bert_finetune_kit.inference.choices import NO_CHOICES, choose
from bert_finetune_kit.reporting.statistics.clusters import Units, single_units

SINGLE, SEVERAL = LabelSet(("a", "b", "c")), LabelSet(("a", "b", "c"), "multi_label")
NUMBERS = LabelSet((), "regression")


def overconfident(count, kind, factor=3.0, seed=0):
    """Logits of three labels that are `factor` times too large, and the labels drawn by the right ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, 3))
    if kind == "multi_label":
        return factor * logits, (rng.random((count, 3)) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    return factor * logits, np.array([rng.choice(3, p=softmax(row)) for row in logits])


def split(labels, count=1200, **settings):
    logits, references = overconfident(count, labels.kind, **settings)
    return SplitLogits(logits, references, np.arange(count) % 2 == 0, single_units(count))


@pytest.mark.parametrize("labels", [SINGLE, SEVERAL], ids=["one label", "several labels"])
def test_overconfident_probabilities_become_right(labels):
    part = split(labels)
    calibration = fit_calibration([part], labels, 0.5)
    names = ["labels"] if labels is SINGLE else ["a", "b", "c"]
    assert list(calibration.temperatures) == names
    assert list(calibration.temperatures.values()) == pytest.approx([3] * len(names), rel=0.2)
    details = details_of(part, labels, 0.5, calibration)["calibration"]
    before, after = details["before"], details["after"]
    assert after["calibration_error"] < before["calibration_error"] / 2
    assert after["calibration_error"] <= after["by_chance"]
    assert after["nll"] < before["nll"]
    assert after["brier"] < before["brier"]
    assert details["fitted_on"] == details["judged_on"] == 600


def test_groups_of_a_classification_are_kept_with_its_predictions():
    """Splits have groups of their own; examples that stand for themselves have none."""
    first, second = split(SINGLE, 120), split(SINGLE, 80)
    assert fit_calibration([first, second], SINGLE, 0.5).chosen_on.clusters == []
    grouped = [replace(part, units=Units("groups", np.arange(len(part.fit)) // 4)) for part in (first, second)]
    calibration = fit_calibration(grouped, SINGLE, 0.5)
    assert calibration.chosen_on.clusters == np.repeat(np.arange(50), 2).tolist()
    assert len(set(calibration.measured_on.clusters)) == 50


def test_nothing_is_fitted_on_the_half_that_judges():
    part = split(SINGLE)
    shuffled = SplitLogits(part.logits, np.where(part.fit, part.references, 0), part.fit, part.units)
    assert fit_calibration([part], SINGLE, 0.5).temperatures == fit_calibration([shuffled], SINGLE, 0.5).temperatures


@pytest.mark.parametrize("labels", [SINGLE, SEVERAL], ids=["one label", "several labels"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_calibration_changes_no_label(labels, data):
    finite = st.floats(-40, 40, allow_nan=False, width=32)
    logits = data.draw(arrays(np.float32, (5, 3), elements=finite))
    temperatures = {name: data.draw(st.floats(0.01, 100)) for name in ("labels", "a", "b", "c")}
    threshold = data.draw(st.floats(0.05, 0.95))
    references = np.zeros((5, 3)) if labels is SEVERAL else np.zeros(5, int)
    plain = decode(logits, references, labels.kind, threshold)
    predicted = calibrated(logits, references, labels, threshold, temperatures)
    assert (predicted.predictions == plain.predictions).all()
    given_labels = [prediction.label for prediction in to_predictions(predicted, labels, NO_CHOICES)]
    assert given_labels == [prediction.label for prediction in to_predictions(plain, labels, NO_CHOICES)]


def test_without_a_calibration_probabilities_are_those_of_the_logits():
    logits, references = overconfident(20, "single_label")
    predicted = calibrated(logits, references, SINGLE, 0.5, NOT_CALIBRATED.temperatures)
    assert (predicted.probabilities == decode(logits, references, "single_label").probabilities).all()


def test_few_examples_keep_a_temperature_of_1_and_say_why():
    part = split(SINGLE, count=60)
    calibration = fit_calibration([part], SINGLE, 0.5)
    assert calibration.temperatures == {"labels": 1}
    assert "30 examples to fit it on, and 50 are needed" in calibration.reasons["labels"]
    details = details_of(part, SINGLE, 0.5, calibration)["calibration"]
    assert details["before"] == details["after"]


def test_a_regression_has_no_probabilities_to_calibrate():
    part = SplitLogits(np.zeros((9, 1)), np.zeros(9), np.arange(9) < 4, single_units(9))
    assert fit_calibration([part], NUMBERS, 0.5) == NOT_CALIBRATED
    assert details_of(part, NUMBERS, 0.5, NOT_CALIBRATED) == {}


def test_what_belongs_together_is_in_the_same_half():
    rows = Dataset.from_dict({"text": list("aabbccdd"), "author": list("xyxyzzzz")})
    fit = half_to_fit(rows, ["text"], None)
    assert fit.sum() == 4
    assert (fit[::2] == fit[1::2]).all()  # equal texts
    fit = half_to_fit(rows, ["text"], "author")
    assert len({*fit[[0, 2]]}) == len({*fit[[1, 3]]}) == len({*fit[4:]}) == 1
    order = np.random.default_rng(0).permutation(8)
    assert (half_to_fit(rows.select(order), ["text"], None) == half_to_fit(rows, ["text"], None)[order]).all()


def test_a_given_calibration_is_judged_on_all_examples():
    part = split(SINGLE)
    everything = SplitLogits(part.logits, part.references, np.zeros(1200, bool), part.units)
    details = details_of(everything, SINGLE, 0.5, Calibration({"labels": 3.0}))
    assert details["calibration"]["judged_on"] == 1200
    assert details["calibration"]["fitted_on"] == 0


def test_the_least_sure_predictions_are_refused_and_sets_hold_the_likely_labels():
    half = ScoredPredictions([0.2, 0.4, 0.6, 0.8] * 5, [True] * 20, [0.1, 0.3, 0.5, 0.7] * 5)
    choices = choose(half.basis, coverage=0.5, label_sets=0.7)
    logits = np.log([[0.39, 0.35, 0.26], [0.9, 0.06, 0.04], [0.34, 0.33, 0.33]])
    predicted = calibrated(logits, np.zeros(3, int), SINGLE, 0.5, NOT_CALIBRATED.temperatures)
    first, second, third = to_predictions(predicted, SINGLE, choices)
    assert (first.label, first.refused, first.score) == (None, True, pytest.approx(0.39))
    assert (second.label, second.refused) == ("a", False)
    assert [first.label_set, second.label_set, third.label_set] == [("a", "b"), ("a",), ("a", "b", "c")]
    assert list(first.scores) == ["a", "b", "c"]
