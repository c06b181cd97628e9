"""Confidence intervals against scikit-learn and scipy."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from bert_finetune_kit.classification.intervals import (
    COUNT_SCORES,
    counts_of_draws,
    counts_of_tables,
    drawn_tables,
    intervals,
)
from bert_finetune_kit.classification.metric_set import metric_set
from bert_finetune_kit.classification.metrics import METRICS, Predictions, decode

RNG = np.random.default_rng(1)
REFERENCES = RNG.integers(3, size=300)
LOGITS = RNG.normal(size=(300, 3)) + 1.5 * np.eye(3)[REFERENCES]
PREDICTED = decode(LOGITS, REFERENCES, "single_label")


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_scores_of_tables_equal_scikit_learn(labels):
    rng = np.random.default_rng(labels)
    references, predictions = rng.integers(labels, size=(2, 40))
    predictions[predictions == 1] = 0  # a label that is never predicted
    predicted = Predictions(references, predictions, np.eye(labels)[predictions])
    table = sk.confusion_matrix(references, predictions, labels=range(labels)).astype(float)[None]
    for name, score in COUNT_SCORES.items():
        if labels == 2 or not METRICS[name].binary:
            assert score(counts_of_tables(table))[0] == pytest.approx(METRICS[name].score(predicted)), name


def test_drawn_tables_have_the_mean_of_drawn_examples():
    drawn = drawn_tables(PREDICTED, 3, np.random.default_rng(0))
    table = sk.confusion_matrix(REFERENCES, PREDICTED.predictions)
    assert drawn.sum((1, 2)).tolist() == [300] * len(drawn)
    assert np.abs(drawn.mean(0) - table).max() < 4 * np.sqrt(table.max() / len(drawn)) + 1


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
    draws = RNG.integers(300, size=(5, 300))
    counts = counts_of_draws(predicted, draws)
    names = [name for name in metric_set((), "multi_label", 3).computed if name in COUNT_SCORES]
    assert "f1_micro" in names
    for name in names:
        assert COUNT_SCORES[name](counts) == pytest.approx([METRICS[name].score(predicted.take(d)) for d in draws])


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
