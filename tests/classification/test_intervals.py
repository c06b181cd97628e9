"""Confidence intervals against scikit-learn and scipy."""

import numpy as np
import pytest
from datasets import Dataset
from scipy import stats
from sklearn import metrics as sk

from bert_finetune_kit.classification.intervals import independent_units, intervals, score_statistics
from bert_finetune_kit.classification.metric_set import metric_set
from bert_finetune_kit.classification.metrics import METRICS, Predictions, decode
from bert_finetune_kit.reporting.statistics.clusters import Units, single_units

RNG = np.random.default_rng(1)
REFERENCES = RNG.integers(3, size=300)
LOGITS = RNG.normal(size=(300, 3)) + 1.5 * np.eye(3)[REFERENCES]
PREDICTED = decode(LOGITS, REFERENCES, "single_label")


def drawn_as_weights(draws, examples):
    return np.stack([np.bincount(draw, minlength=examples) for draw in draws]).astype(float)


def assert_scores_of_draws(predicted, kind, labels):
    """Weighting examples is drawing them, and every score of the kit is there."""
    examples = len(predicted.references)
    draws = np.random.default_rng(2).integers(examples, size=(6, examples))
    weights = np.concatenate([np.ones((1, examples)), drawn_as_weights(draws, examples)])
    metrics = metric_set((), kind, labels)
    statistics = score_statistics(metrics, predicted, single_units(examples))
    assert set(metrics.computed) <= set(statistics)
    for name in metrics.computed:
        expected = [METRICS[name].score(part) for part in (predicted, *(predicted.take(draw) for draw in draws))]
        assert statistics[name](weights) == pytest.approx(expected), name


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_scores_of_drawn_examples_equal_scikit_learn(labels):
    rng = np.random.default_rng(labels)
    references, predictions = rng.integers(labels, size=(2, 40))
    predictions[predictions == 1] = 0  # a label that is never predicted
    probabilities = rng.dirichlet(np.ones(labels), size=40)
    assert_scores_of_draws(Predictions(references, predictions, probabilities), "single_label", labels)


def test_scores_of_a_drawn_regression_equal_scipy():
    """Ranks are new in each draw, and ties share their mean."""
    rng = np.random.default_rng(3)
    predicted = Predictions(rng.integers(6, size=40) / 2, rng.normal(size=40).round(1), np.zeros(40))
    assert_scores_of_draws(predicted, "regression", 1)


def test_intervals_agree_with_other_methods():
    bounds = intervals(metric_set((), "single_label", 3), PREDICTED)
    scores = metric_set((), "single_label", 3).score(PREDICTED)
    assert set(bounds) == set(scores)
    for name, (low, high) in bounds.items():
        assert low <= high
        if name != "calibration_error":  # a bootstrap of an absolute value lies above it
            assert low < scores[name] < high
    correct = int((PREDICTED.predictions == REFERENCES).sum())
    exact = stats.binomtest(correct, 300).proportion_ci(method="exact")
    assert bounds["accuracy"] == pytest.approx((exact.low, exact.high), abs=0.01)

    def f1(references, predictions):
        return sk.f1_score(references, predictions, average="macro")

    bootstrap = stats.bootstrap(
        (REFERENCES, PREDICTED.predictions), f1, paired=True, vectorized=False, n_resamples=500, method="percentile",
        rng=3,
    ).confidence_interval  # fmt: skip
    assert bounds["f1_macro"] == pytest.approx((bootstrap.low, bootstrap.high), abs=0.015)


def test_intervals_of_a_regression():
    targets = RNG.normal(size=100)
    noisy = (targets + RNG.normal(size=100))[:, None]
    metrics = metric_set((), "regression", 1)
    predicted = decode(noisy, targets, "regression")
    bounds, scores = intervals(metrics, predicted), metrics.score(predicted)
    assert scores["pearson"] == pytest.approx(np.corrcoef(noisy[:, 0], targets)[0, 1])
    assert bounds["spearman"] == pytest.approx(bounds["pearson"], abs=0.12)
    assert all(bounds[name][0] < scores[name] < bounds[name][1] for name in scores)


def test_scores_of_multi_label_draws_equal_scikit_learn():
    predicted = decode(LOGITS, (LOGITS + RNG.normal(size=LOGITS.shape) > 0.5).astype(int), "multi_label")
    assert "f1_micro" in metric_set((), "multi_label", 3).computed
    assert_scores_of_draws(predicted, "multi_label", 3)


def test_intervals_of_a_multi_label_task():
    predicted = decode(LOGITS, (LOGITS + RNG.normal(size=LOGITS.shape) > 0).astype(int), "multi_label")
    metrics = metric_set((), "multi_label", 3)
    scores = metrics.score(predicted)
    bounds = intervals(metrics, predicted)
    assert set(bounds) == set(scores)
    assert all(bounds[name][0] < scores[name] < bounds[name][1] for name in scores if name != "calibration_error")


def test_three_examples_and_constant_predictions_have_no_bootstrap_intervals():
    metrics = metric_set((), "single_label", 3)
    assert intervals(metrics, PREDICTED.take(np.arange(3))) == {}
    first = np.flatnonzero((PREDICTED.predictions == 0) & (REFERENCES == 0))
    constant = Predictions(REFERENCES[first], PREDICTED.predictions[first], np.eye(3)[PREDICTED.predictions[first]])
    assert set(intervals(metrics, constant)) == {"accuracy"}


def test_repeated_texts_and_groups_are_units():
    rows = Dataset.from_dict(
        {"text": ["a", "a", "b", "c", "c"], "pair": ["x", "y", "x", "z", "z"], "author": [1, 2, 2, 3, 3]}
    )
    units = independent_units(rows, ["text", "pair"], None)
    assert (units.name, units.numbers.tolist()) == ("distinct texts", [0, 1, 2, 3, 3])
    assert independent_units(rows, ["text"], None).numbers.tolist() == [0, 0, 1, 2, 2]
    units = independent_units(rows, ["text"], "author")  # two authors share a text
    assert (units.name, units.numbers.tolist()) == ("groups by author", [0, 0, 0, 1, 1])
    assert independent_units(rows.select(range(3)), ["text", "pair"], "editor").name == "examples"


@pytest.mark.parametrize("kind", ["single_label", "regression"])
def test_a_copy_of_every_example_changes_no_interval(kind):
    labels = 3 if kind == "single_label" else 1
    targets = REFERENCES if labels == 3 else LOGITS[:, 0]
    predicted = decode(LOGITS + RNG.normal(size=LOGITS.shape), targets, kind)
    twice = predicted.take(np.repeat(np.arange(300), 2))
    metrics = metric_set((), kind, labels)
    alone = intervals(metrics, predicted)
    together = intervals(metrics, twice, units=Units("distinct texts", np.repeat(np.arange(300), 2)))
    assert set(alone) == set(together)
    for name, (low, high) in alone.items():
        # Wilson's and Fisher's of independent examples have other formulas than those of repeated ones.
        assert together[name] == pytest.approx((low, high), abs=0.06 * (high - low))
    naive = intervals(metrics, twice)
    bounds = {name: interval for name, interval in together.items() if name != "calibration_error"}  # it is biased
    narrower = [np.ptp(naive[name]) / np.ptp(interval) for name, interval in bounds.items()]
    assert narrower == pytest.approx([np.sqrt(0.5)] * len(narrower), abs=0.08)
