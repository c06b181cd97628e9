"""Scores against closed forms and torch."""

import math

import numpy as np
import pytest
import torch

from bert_finetune_kit.classification.metrics import (
    METRICS,
    Predictions,
    expected_calibration_error,
    majority_baseline,
    mean_loss,
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
            assert score == (0.0 if name in ("matthews", "calibration_error") else 1.0)
    assert math.copysign(1, mean_loss(np.tile([-900.0, 900.0], (5, 1)), single.references, "single_label")) == 1


def test_calibration_error():
    overconfident = Predictions(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0]), np.tile([0.75, 0.25], (4, 1)))
    assert expected_calibration_error(overconfident) == pytest.approx(0.25)
    calibrated = Predictions(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), np.tile([0.75, 0.25], (4, 1)))
    assert expected_calibration_error(calibrated) == pytest.approx(0)
    multi_label = Predictions(np.array([[1, 0]]), np.array([[1, 0]]), np.array([[0.9, 0.1]]))
    assert expected_calibration_error(multi_label) == pytest.approx(0.1)


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
