"""Scores against closed forms and torch."""

import math

import numpy as np
import pytest
import torch

from bert_finetune_kit.classification.metrics import (
    METRICS,
    Predictions,
    constant_prediction,
    expected_calibration_error,
    mean_loss,
    target_shares,
)

RNG = np.random.default_rng(1)
REFERENCES = RNG.integers(3, size=300)
LOGITS = RNG.normal(size=(300, 3)) + 1.5 * np.eye(3)[REFERENCES]


def test_the_mean_loss_equals_that_of_torch():
    logits = torch.tensor(LOGITS)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(REFERENCES)).item()
    assert mean_loss(LOGITS, REFERENCES, "single_label") == pytest.approx(expected)
    targets = (LOGITS > 0).astype(float)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(-logits, torch.tensor(targets)).item()
    assert mean_loss(-LOGITS, targets, "multi_label") == pytest.approx(expected)
    assert mean_loss(np.zeros((4, 2)), np.array([0, 1, 0, 1]), "single_label") == pytest.approx(math.log(2))
    assert mean_loss(np.array([[1.0], [3.0]]), np.array([0.0, 0.0]), "regression") == 5


def test_scores_of_one_label_alone_warn_of_nothing():
    """As where every example of a small validation split has the same label, and is predicted to have it."""
    single = Predictions(np.ones(5, int), np.ones(5, int), np.tile([0.0, 1.0], (5, 1)))
    for name, metric in METRICS.items():
        if "single_label" in metric.kinds:
            score = metric.score(single)  # a warning is an error in these tests
            expected = {"matthews": math.nan, "calibration_error": 0.0}.get(name, 1.0)
            assert score == pytest.approx(expected, nan_ok=True)
    assert math.copysign(1, mean_loss(np.tile([-900.0, 900.0], (5, 1)), single.references, "single_label")) == 1


def test_calibration_error():
    overconfident = Predictions(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0]), np.tile([0.75, 0.25], (4, 1)))
    assert expected_calibration_error(overconfident) == pytest.approx(0.25)
    calibrated = Predictions(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), np.tile([0.75, 0.25], (4, 1)))
    assert expected_calibration_error(calibrated) == pytest.approx(0)
    multi_label = Predictions(np.array([[1, 0]]), np.array([[1, 0]]), np.array([[0.9, 0.1]]))
    assert expected_calibration_error(multi_label) == pytest.approx(0.1)


def majority_baseline(train, references, kind, labels):
    return constant_prediction(target_shares(train, kind, labels), references, kind)


def test_majority_baseline():
    predicted = majority_baseline(np.array([1, 1, 0]), np.array([0, 1]), "single_label", 2)
    assert predicted.predictions.tolist() == [1, 1]
    assert predicted.probabilities[0].tolist() == pytest.approx([1 / 3, 2 / 3])
    targets = np.array([[1, 0], [1, 1.0], [1, 0]])
    assert majority_baseline(targets, np.zeros((1, 2)), "multi_label", 2).predictions.tolist() == [[1, 0]]


def test_mean_baseline():
    predicted = majority_baseline(np.array([1.0, 3.0]), np.arange(5.0), "regression", 1)
    assert predicted.predictions.tolist() == [2.0] * 5
    assert METRICS["pearson"].score(predicted) == 0


NUMBERS, ONES = RNG.normal(size=9), np.ones(9)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_a_correlation_with_targets_that_are_all_equal_is_undefined(name):
    """A constant prediction of targets that differ scores 0."""
    score = METRICS[name].score
    assert math.isnan(score(Predictions(ONES, NUMBERS, NUMBERS)))
    assert math.isnan(score(Predictions(ONES, ONES, ONES)))
    assert score(Predictions(NUMBERS, ONES, ONES)) == 0
    assert score(Predictions(NUMBERS, 2 * NUMBERS, NUMBERS)) == pytest.approx(1)


@pytest.mark.parametrize("predicted", [[0, 0, 0], [0, 1, 0], [1, 1, 1]])
def test_scores_of_a_label_that_does_not_occur_are_undefined(predicted):
    examples = Predictions(np.zeros(3, int), np.array(predicted), np.eye(2)[predicted])
    undefined = {"f1", "precision", "recall", "matthews"}
    for name in ("accuracy", "f1_macro", "f1_weighted", "precision_macro", *undefined):
        assert math.isnan(METRICS[name].score(examples)) == (name in undefined), name


def test_a_constant_prediction_scores_0_where_both_labels_occur():
    constant = Predictions(np.array([0, 1, 0]), np.zeros(3, int), np.eye(2)[[0, 0, 0]])
    assert [METRICS[name].score(constant) for name in ("f1", "precision", "recall", "matthews")] == [0, 0, 0, 0]


def test_scores_of_examples_without_any_label_are_undefined():
    nothing = Predictions(np.zeros((3, 2), int), np.array([[0, 1], [0, 0], [0, 0]]), np.zeros((3, 2)))
    assert all(math.isnan(METRICS[name].score(nothing)) for name in ("f1_micro", "f1_macro", "recall_macro"))
    assert METRICS["accuracy"].score(nothing) == pytest.approx(2 / 3)
