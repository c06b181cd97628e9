import numpy as np
import pytest

from bert_finetune_kit.classification.calibration import reliability
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.metrics import Predictions, decode
from bert_finetune_kit.classification.mistakes import mistakes_table, worst_errors

ROWS = [{"text": f"text {number}", "other": "b" * 400} for number in range(5)]


def test_bins_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.05, 0.95], [0.92, 0.08], [0.45, 0.55], [0.0, 1.0]])
    told = Predictions(np.array([0, 1, 1, 1, 1]), probabilities.argmax(1), probabilities)
    found = reliability(told, bins=10)
    assert [(one["low"], one["high"], one["count"]) for one in found["bins"]] == [(0.5, 0.6, 1), (0.9, 1.0, 4)]
    assert found["bins"][1]["confidence"] == pytest.approx((0.95 + 0.95 + 0.92 + 1.0) / 4)
    assert found["bins"][1]["accuracy"] == 0.75


def test_the_error_is_that_of_the_bins():
    rng = np.random.default_rng(0)
    told = decode(rng.normal(size=(300, 3)), rng.integers(3, size=300), "single_label")
    found = reliability(told)
    gaps = [one["count"] * abs(one["confidence"] - one["accuracy"]) for one in found["bins"]]
    assert sum(one["count"] for one in found["bins"]) == 300
    assert found["calibration_error"] == pytest.approx(sum(gaps) / 300)


def test_the_worst_of_single_labels():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.99, 0.01], [0.1, 0.9]])
    told = Predictions(np.array([1, 0, 1, 0, 0]), probabilities.argmax(1), probabilities)
    found = worst_errors(told, LabelSet(("no", "yes")), ROWS, ["text"])
    assert [one["row"] for one in found] == [0, 4, 1]  # 2 and 3 are right
    assert found[0] == {"row": 0, "texts": ["text 0"], "true": "yes", "said": "no", "probability": 0.9}
    assert worst_errors(told, LabelSet(("no", "yes")), ROWS, ["text"], most=1) == found[:1]
    table = mistakes_table("dev", found, ["text"])
    assert table.title == "Worst errors, dev"
    assert table.rows[1] == ["text 4", "no", "yes", "0.900"]


def test_the_worst_of_several_labels_and_of_numbers():
    references = np.array([[1, 0], [0, 0], [1, 1]])
    probabilities = np.array([[0.9, 0.2], [0.4, 0.7], [0.05, 0.6]])
    told = Predictions(references, (probabilities >= 0.5).astype(int), probabilities)
    found = worst_errors(told, LabelSet(("a", "b"), "multi_label"), ROWS, ["text", "other"])
    assert [(one["row"], one["true"], one["said"]) for one in found] == [(2, "a, b", "b"), (1, "(none)", "b")]
    assert [one["probability"] for one in found] == pytest.approx([0.95, 0.7])
    table = mistakes_table("dev", found, ["text", "other"])
    assert table.header == ["text", "other", "true", "said", "probability"]
    assert len(table.rows[0][1]) == 302

    numbers = np.array([1.0, 2.0, 5.0])
    told = Predictions(np.array([1.0, 4.0, 4.5]), numbers, numbers)
    found = worst_errors(told, LabelSet((), "regression"), ROWS, ["text"])
    assert [(one["row"], one["true"], one["said"], one["off_by"]) for one in found] == [
        (1, 4.0, 2.0, 2.0),
        (2, 4.5, 5.0, 0.5),
    ]
    assert mistakes_table("dev", found, ["text"]).header[-1] == "off by"
