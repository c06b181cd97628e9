import numpy as np
import pytest

from bert_finetune_kit import ClassificationTask, ConfigError
from bert_finetune_kit.classification.metric_set import metric_set
from bert_finetune_kit.classification.metrics import Predictions, decode, most_frequent

RNG = np.random.default_rng(1)
REFERENCES = RNG.integers(3, size=300)
LOGITS = RNG.normal(size=(300, 3)) + 1.5 * np.eye(3)[REFERENCES]
PREDICTED = decode(LOGITS, REFERENCES, "single_label")


def test_scores_of_a_constant_prediction():
    """Published figures of a classifier that predicts one label: recall 1, precision = accuracy = the base rate."""
    references = np.array([1] * 551 + [0] * 449)
    constant = Predictions(references, np.ones(1000, int), np.tile([0.0, 1.0], (1000, 1)))
    scores = metric_set(("accuracy", "f1"), "single_label", 2).score(constant)
    assert (scores["accuracy"], scores["precision"], scores["recall"]) == (0.551, 0.551, 1.0)
    assert scores["f1"] == pytest.approx(0.7105, abs=1e-4)
    assert scores["matthews"] == 0
    assert scores["calibration_error"] == pytest.approx(0.449)


def test_examples_with_non_finite_logits_are_counted_and_skipped():
    metrics = metric_set(("f1_macro",), "single_label", 3)
    logits = LOGITS.copy()
    logits[:10, 1] = np.nan
    assert metrics.score_logits(logits, REFERENCES, 0.5) == {
        **metrics.score_logits(LOGITS[10:], REFERENCES[10:], 0.5),
        "non_finite_examples": 10,
    }
    scores = metrics.score_logits(np.full_like(LOGITS, np.inf), REFERENCES, 0.5)
    assert scores["non_finite_examples"] == 300
    assert np.isnan([scores["loss"], scores["f1_macro"]]).all()


class Agreement:
    """Has the interface of a module of `evaluate`."""

    name = "agreement"

    def compute(self, predictions, references):
        return {"agreement": float((np.asarray(predictions) == np.asarray(references)).mean()), "parts": [1, 2]}


def test_modules_of_evaluate_as_objects():
    metrics = metric_set(("f1_macro", Agreement()), "single_label", 3)
    assert metrics.names == ["f1_macro", "agreement"]
    assert metrics.score(PREDICTED)["agreement"] == metrics.score(PREDICTED)["accuracy"]
    assert metrics.lower_is_better()["agreement"] is None
    assert [score.key for score in metrics.glossary(["validation"])] == [
        "f1_macro", "agreement", "loss", "non_finite_examples",
    ]  # fmt: skip
    keys = [score.key for score in metrics.glossary(["a", "b"])]
    assert keys[0] == "a_f1_macro"
    assert "b_agreement" in keys


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
    assert metrics.score(PREDICTED)["agreement"] == pytest.approx(metrics.score(PREDICTED)["accuracy"])


def test_a_script_in_the_working_directory_is_not_executed_by_accident(tmp_path, monkeypatch):
    """`evaluate.load("seqeval")` would run ./seqeval/seqeval.py."""
    (tmp_path / "seqeval").mkdir()
    (tmp_path / "seqeval" / "seqeval.py").write_text("from pathlib import Path\nPath('executed').touch()\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"whose code would be executed: give \./seqeval"):
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


@pytest.mark.parametrize(
    ("kind", "labels", "references", "undefined"),
    [
        ("regression", 1, np.array([2.5, 2.5, 2.5]), ["pearson", "spearman"]),
        ("regression", 1, np.array([2.5, 2.5, 3.0]), []),
        ("single_label", 2, np.array([0, 0, 0]), ["precision", "recall", "f1", "matthews"]),
        ("single_label", 2, np.array([1, 1, 1]), ["matthews"]),
        ("single_label", 2, np.array([0, 1, 0]), []),
        ("single_label", 3, np.array([2, 2, 2]), ["matthews"]),
        ("multi_label", 2, np.zeros((3, 2), int),
         ["f1_micro", "f1_macro", "precision_macro", "recall_macro", "f1_weighted"]),
        ("multi_label", 2, np.eye(2, dtype=int), []),
    ],
)  # fmt: skip
def test_scores_that_the_references_leave_undefined(kind, labels, references, undefined):
    assert sorted(metric_set((), kind, labels).undefined(references)) == sorted(undefined)


def test_directions_of_known_scores_and_of_modules():
    lower = metric_set(("mse", Agreement()), "regression", 1).lower_is_better()
    assert lower == {"mse": True, "agreement": None, "pearson": False, "spearman": False, "mae": True}


def test_functions_are_metrics():
    """In the order of scikit-learn, or by the names of `evaluate`."""

    def misses(y_true, y_pred):
        return int(((y_true == 1) & (y_pred == 0)).sum())

    def by_name(predictions, references):
        return {"false_alarms": int(((references == 0) & (predictions == 1)).sum())}

    metrics = metric_set(["accuracy", misses, by_name], "single_label", 2)
    predicted = Predictions(np.array([1, 1, 0]), np.array([0, 0, 1]), np.eye(2)[[0, 0, 1]])
    scores = metrics.score(predicted)
    assert metrics.names == ["accuracy", "misses", "false_alarms"]
    assert (scores["misses"], scores["false_alarms"]) == (2.0, 1.0)


def test_a_function_without_a_name_is_refused():
    with pytest.raises(ConfigError, match="has no name, by which its score could be called: define it with def"):
        metric_set([lambda y_true, y_pred: 0.5], "single_label", 2)


def test_a_function_alone_is_no_tuple_of_metrics():
    with pytest.raises(ConfigError, match=r"metrics is a function: give a tuple, such as \('accuracy', my_metric\)"):
        ClassificationTask("toy", metrics=len)


def test_the_baseline_is_the_best_constant():
    """Always the second label: at 50/50 its precision is 1/2, its recall 1 and its F1 2/3."""
    metrics = metric_set(("accuracy", "f1"), "single_label", 2)
    references = np.array([0, 1] * 50)
    for shares in (np.array([0.6, 0.4]), np.array([0.5, 0.5]), np.array([0.4, 0.6])):
        baseline = metrics.baseline(shares, references)
        assert (baseline["accuracy"], baseline["precision"], baseline["recall"]) == (0.5, 0.5, 1.0)
        assert baseline["f1"] == pytest.approx(2 / 3)
        assert (baseline["matthews"], baseline["f1_macro"]) == (0, pytest.approx(1 / 3))
    one_label = metrics.baseline(np.array([0.6, 0.4]), np.zeros(9, int))
    assert np.isnan([one_label["f1"], one_label["recall"]]).all()  # shown as a dash
    assert one_label["accuracy"] == 1


def test_no_constant_is_right_more_often_than_the_baseline():
    """The label that is frequent in a small validation split is another one than in the training split."""
    metrics = metric_set(("accuracy", "f1_macro"), "single_label", 3)
    baseline = metrics.baseline(np.array([0.4, 0.35, 0.25]), np.array([2, 2, 2, 0, 0, 1]))
    assert baseline["accuracy"] == 0.5
    shares = np.array([0.25, 0.35, 0.4])
    assert most_frequent(shares, np.array([0, 0, 2, 2, 1])) == 2  # equally frequent: as in the training split
    assert most_frequent(shares[::-1], np.array([0, 0, 2, 2, 1])) == 0
    assert most_frequent(shares, np.array([], int)) == 2


def test_the_best_constant_of_three_labels_is_the_most_frequent_one():
    baseline = metric_set(("f1_macro",), "single_label", 3).baseline(np.array([0.2, 0.5, 0.3]), np.array([1, 1, 0, 2]))
    assert (baseline["accuracy"], baseline["f1_macro"]) == (0.5, pytest.approx(2 / 9))


def test_the_best_constant_of_rare_labels_is_all_of_them():
    """Labels of a fifth of the examples each: all of them have a precision of 1/5 and an F1 of 1/3; none, of 0."""
    references = np.array([[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]])
    baseline = metric_set(("f1_macro",), "multi_label", 2).baseline(np.array([0.2, 0.2]), references)
    assert (baseline["f1_macro"], baseline["f1_micro"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert (baseline["precision_macro"], baseline["recall_macro"]) == (pytest.approx(0.2), 1)
    assert baseline["accuracy"] == 0.6  # of predicting none
