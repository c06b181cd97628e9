"""Scores against closed forms, scikit-learn and scipy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sk

from bert_finetune_kit import ConfigError
from bert_finetune_kit.classification.intervals import TABLE_SCORES, drawn_tables, intervals
from bert_finetune_kit.classification.metrics import (
    METRICS,
    Predictions,
    decode,
    expected_calibration_error,
    glossary_of,
    majority,
    mean_loss,
    metric_set,
)

RNG = np.random.default_rng(1)
REFERENCES = RNG.integers(3, size=300)
LOGITS = RNG.normal(size=(300, 3)) + 1.5 * np.eye(3)[REFERENCES]
TOLD = decode(LOGITS, REFERENCES, "single_label")


def test_the_report_of_one_who_always_says_yes():
    """The published figures of a classifier that says one thing: recall 1, precision = accuracy = the base rate."""
    references = np.array([1] * 551 + [0] * 449)
    told = Predictions(references, np.ones(1000, int), np.tile([0.0, 1.0], (1000, 1)))
    scores = metric_set(("accuracy", "f1"), "single_label", 2).score(told)
    assert (scores["accuracy"], scores["precision"], scores["recall"]) == (0.551, 0.551, 1.0)
    assert scores["f1"] == pytest.approx(0.7105, abs=1e-4)
    assert scores["matthews"] == 0
    assert scores["calibration_error"] == pytest.approx(0.449)


def test_loss_is_that_of_torch():
    logits = torch.tensor(LOGITS)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(REFERENCES)).item()
    assert mean_loss(LOGITS, REFERENCES, "single_label") == pytest.approx(expected)
    several = (LOGITS > 0).astype(float)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(-logits, torch.tensor(several)).item()
    assert mean_loss(-LOGITS, several, "multi_label") == pytest.approx(expected)
    assert mean_loss(np.zeros((4, 2)), np.array([0, 1, 0, 1]), "single_label") == pytest.approx(math.log(2))
    assert mean_loss(np.array([[1.0], [3.0]]), np.array([0.0, 0.0]), "regression") == 5


def test_calibration():
    sure = Predictions(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0]), np.tile([0.75, 0.25], (4, 1)))
    assert expected_calibration_error(sure) == pytest.approx(0.25)
    right = Predictions(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), np.tile([0.75, 0.25], (4, 1)))
    assert expected_calibration_error(right) == pytest.approx(0)
    several = Predictions(np.array([[1, 0]]), np.array([[1, 0]]), np.array([[0.9, 0.1]]))
    assert expected_calibration_error(several) == pytest.approx(0.1)


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_scores_of_tables_are_those_of_scikit_learn(labels):
    rng = np.random.default_rng(labels)
    references, predictions = rng.integers(labels, size=(2, 40))
    predictions[predictions == 1] = 0  # a label that is never said
    told = Predictions(references, predictions, np.eye(labels)[predictions])
    table = sk.confusion_matrix(references, predictions, labels=range(labels)).astype(float)[None]
    for name, score in TABLE_SCORES.items():
        if labels == 2 or not METRICS[name].binary:
            assert score(table)[0] == pytest.approx(METRICS[name].score(told)), name


def test_drawing_cells_is_drawing_examples():
    drawn = drawn_tables(TOLD, 3, np.random.default_rng(0))
    table = sk.confusion_matrix(REFERENCES, TOLD.predictions)
    assert drawn.sum((1, 2)).tolist() == [300] * len(drawn)
    assert np.abs(drawn.mean(0) - table).max() < 4 * np.sqrt(table.max() / len(drawn)) + 1


def test_intervals_are_those_of_other_methods():
    found = intervals(metric_set((), "single_label", 3), TOLD)
    scores = metric_set((), "single_label", 3).score(TOLD)
    assert set(found) == set(scores)
    for name, (low, high) in found.items():
        assert low <= high
        if name != "calibration_error":  # a bootstrap of an absolute value lies above it
            assert low < scores[name] < high
    right = int((TOLD.predictions == REFERENCES).sum())
    exact = stats.binomtest(right, 300).proportion_ci(method="exact")
    assert found["accuracy"] == pytest.approx((exact.low, exact.high), abs=0.01)

    def f1(references, predictions):
        return sk.f1_score(references, predictions, average="macro")

    other = stats.bootstrap(
        (REFERENCES, TOLD.predictions), f1, paired=True, vectorized=False, n_resamples=500, method="percentile", rng=3
    ).confidence_interval
    assert found["f1_macro"] == pytest.approx((other.low, other.high), abs=0.015)


def test_intervals_of_numbers_and_of_several_labels():
    targets = RNG.normal(size=100)
    noisy = (targets + RNG.normal(size=100))[:, None]
    metrics = metric_set((), "regression", 1)
    told = decode(noisy, targets, "regression")
    found, scores = intervals(metrics, told), metrics.score(told)
    assert scores["pearson"] == pytest.approx(np.corrcoef(noisy[:, 0], targets)[0, 1])
    assert found["spearman"] == pytest.approx(found["pearson"], abs=0.12)
    assert all(found[name][0] < scores[name] < found[name][1] for name in scores)
    several = decode(LOGITS, (LOGITS + RNG.normal(size=LOGITS.shape) > 0).astype(int), "multi_label")
    metrics = metric_set((), "multi_label", 3)
    assert set(intervals(metrics, several.take(np.arange(50)))) == set(metrics.score(several))
    assert intervals(metrics, several.take(np.arange(3))) == {}


def test_without_looking():
    train = np.array([1, 1, 0])
    told = majority(train, np.array([0, 1]), "single_label", 2)
    assert told.predictions.tolist() == [1, 1]
    assert told.probabilities[0].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert majority(np.array([1.0, 3.0]), np.zeros(2), "regression", 1).predictions.tolist() == [2.0, 2.0]
    assert majority(np.array([[1, 0], [1, 1.0], [1, 0]]), np.zeros((1, 2)), "multi_label", 2).predictions.tolist() == [
        [1, 0]
    ]
    constant = majority(np.array([1.0, 3.0]), np.arange(5.0), "regression", 1)
    assert metric_set((), "regression", 1).score(constant)["pearson"] == 0


class Toy:
    """Like a module of `evaluate`."""

    name = "toy"

    def compute(self, predictions, references):
        return {"toy": float((np.asarray(predictions) == np.asarray(references)).mean()), "parts": [1, 2]}


def test_modules_of_evaluate_as_objects():
    metrics = metric_set(("f1_macro", Toy()), "single_label", 3)
    assert metrics.names == ["f1_macro", "toy"]
    assert metrics.score(TOLD)["toy"] == metrics.score(TOLD)["accuracy"]
    assert [score.key for score in glossary_of(metrics, ["validation"])] == [
        "f1_macro", "toy", "loss", "non_finite_examples",
    ]  # fmt: skip
    keys = [score.key for score in glossary_of(metrics, ["a", "b"])]
    assert keys[0] == "a_f1_macro"
    assert "b_toy" in keys


def test_modules_of_evaluate_by_path(tmp_path):
    """A script as `evaluate` takes it, loaded without the Hub."""
    folder = tmp_path / "agreement"
    folder.mkdir()
    (folder / "agreement.py").write_text(
        "import datasets\n"
        "import evaluate\n"
        "class Agreement(evaluate.Metric):\n"
        "    def _info(self):\n"
        "        kind = datasets.Value('int64')\n"
        "        return evaluate.MetricInfo(description='', citation='', inputs_description='',\n"
        "            features=datasets.Features({'predictions': kind, 'references': kind}))\n"
        "    def _compute(self, predictions, references):\n"
        "        return {'agreement': sum(p == r for p, r in zip(predictions, references)) / len(predictions)}\n"
    )
    metrics = metric_set((str(folder),), "single_label", 3)
    assert metrics.names == ["agreement"]
    assert metrics.score(TOLD)["agreement"] == pytest.approx(metrics.score(TOLD)["accuracy"])


def test_a_script_in_the_working_directory_is_not_executed_by_accident(tmp_path, monkeypatch):
    """`evaluate.load("seqeval")` would run ./seqeval/seqeval.py."""
    (tmp_path / "seqeval").mkdir()
    (tmp_path / "seqeval" / "seqeval.py").write_text("from pathlib import Path\nPath('executed').touch()\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"whose code would be executed: say \./seqeval"):
        metric_set(("seqeval",), "single_label", 3)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("metric", "kind", "labels", "message"),
    [
        ("acuracy", "single_label", 2, "Did you mean 'accuracy'"),
        ("f1", "single_label", 3, "not for a task of 3 labels"),
        ("pearson", "single_label", 2, "not for a single_label task"),
        ("accuracy", "regression", 1, "not for a regression task"),
    ],
)
def test_metrics_that_do_not_fit(metric, kind, labels, message):
    with pytest.raises(ConfigError, match=message):
        metric_set((metric,), kind, labels)


def test_a_module_that_fails_does_so_before_training():
    class Broken:
        def compute(self, predictions, references):
            raise TypeError("no")

    with pytest.raises(ConfigError, match="'Broken' cannot score a single_label task: TypeError: no"):
        metric_set((Broken(),), "single_label", 2)
