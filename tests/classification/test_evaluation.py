import numpy as np
import pytest

from bert_finetune_kit.classification.evaluation import (
    calibration_by_chance,
    label_scores,
    reliability,
    worst_errors,
)
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.metrics import Predictions, decode

ROWS = [{"text": f"text {number}", "second": "b" * 400} for number in range(5)]


def test_reliability_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.05, 0.95], [0.92, 0.08], [0.45, 0.55], [0.0, 1.0]])
    predicted = Predictions(np.array([0, 1, 1, 1, 1]), probabilities.argmax(1), probabilities)
    bins = reliability(predicted, bins=10)["bins"]
    assert [(part["low"], part["high"], part["count"]) for part in bins] == [(0.5, 0.6, 1), (0.9, 1.0, 4)]
    assert bins[1]["confidence"] == pytest.approx((0.95 + 0.95 + 0.92 + 1.0) / 4)
    assert bins[1]["accuracy"] == 0.75


def test_the_calibration_error_is_the_mean_gap_of_the_bins():
    rng = np.random.default_rng(0)
    predicted = decode(rng.normal(size=(300, 3)), rng.integers(3, size=300), "single_label")
    result = reliability(predicted)
    gaps = [part["count"] * abs(part["confidence"] - part["accuracy"]) for part in result["bins"]]
    assert sum(part["count"] for part in result["bins"]) == 300
    assert result["calibration_error"] == pytest.approx(sum(gaps) / 300)


def test_a_calibrated_model_seldom_exceeds_the_calibration_error_of_chance():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 400)
    probabilities = np.column_stack([confidence, 1 - confidence])
    zeros = np.zeros(400, int)
    errors = [
        reliability(Predictions((rng.random(400) > confidence).astype(int), zeros, probabilities))["calibration_error"]
        for _ in range(100)
    ]
    limit = calibration_by_chance(Predictions(zeros, zeros, probabilities))
    assert 0.85 <= np.mean(np.array(errors) <= limit) < 1
    assert reliability(Predictions(zeros + 1, zeros, probabilities))["calibration_error"] > limit


def test_worst_errors_of_single_labels():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.99, 0.01], [0.1, 0.9]])
    predicted = Predictions(np.array([1, 0, 1, 0, 0]), probabilities.argmax(1), probabilities)
    errors = worst_errors(predicted, LabelSet(("no", "yes")), ROWS, ["text"])
    assert [error["row"] for error in errors] == [0, 4, 1]  # 2 and 3 are correct
    assert errors[0] == {"row": 0, "texts": ["text 0"], "true": "yes", "predicted": "no", "probability": 0.9}
    assert worst_errors(predicted, LabelSet(("no", "yes")), ROWS, ["text"], max_errors=1) == errors[:1]


def test_worst_errors_of_several_labels():
    references = np.array([[1, 0], [0, 0], [1, 1]])
    probabilities = np.array([[0.9, 0.2], [0.4, 0.7], [0.05, 0.6]])
    predicted = Predictions(references, (probabilities >= 0.5).astype(int), probabilities)
    errors = worst_errors(predicted, LabelSet(("a", "b"), "multi_label"), ROWS, ["text", "second"])
    assert [(error["row"], error["true"], error["predicted"]) for error in errors] == [
        (2, "a, b", "b"),
        (1, "(none)", "b"),
    ]
    assert [error["probability"] for error in errors] == pytest.approx([0.95, 0.7])
    assert errors[0]["texts"] == ["text 2", "b" * 400]


def test_worst_errors_of_a_regression():
    numbers = np.array([1.0, 2.0, 5.0])
    predicted = Predictions(np.array([1.0, 4.0, 4.5]), numbers, numbers)
    errors = worst_errors(predicted, LabelSet((), "regression"), ROWS, ["text"])
    assert [(error["row"], error["true"], error["predicted"], error["absolute_error"]) for error in errors] == [
        (1, 4.0, 2.0, 2.0),
        (2, 4.5, 5.0, 0.5),
    ]


def test_a_label_that_does_not_occur_has_no_scores():
    """Two of six examples are taken for the third label, which none has; the second one is never predicted."""
    references, predictions = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 2, 0, 2])
    scores = label_scores(Predictions(references, predictions, np.eye(3)[predictions]), LabelSet(("a", "b", "c")))
    assert scores["c"] == {"precision": None, "recall": None, "f1": None, "support": 0, "predicted": 2}
    assert scores["b"] == {"precision": None, "recall": 0, "f1": 0, "support": 2, "predicted": 0}
    assert scores["a"]["precision"] == scores["a"]["recall"] == 0.75
