import math

import numpy as np
import pytest
import torch
from scipy import stats

from bert_finetune_kit.pretraining.metrics import (
    baseline_scores,
    loss_sums,
    num_items,
    pretraining_scores,
    score_intervals,
)
from bert_finetune_kit.pretraining.model import PretrainingOutput

LOSS = np.array([2.0, 4.0, 0.0])
CORRECT, COUNT = np.array([1, 0, 0]), np.array([2, 1, 0])
PAIR_LOSS, PAIR_CORRECT = np.array([0.5, 1.0, 1.5]), np.array([1, 1, 0])


def test_every_token_has_the_same_weight():
    scores = pretraining_scores((LOSS, CORRECT, COUNT, PAIR_LOSS, PAIR_CORRECT))
    assert scores == {
        "loss": pytest.approx(3.0),
        "mlm_loss": pytest.approx(2.0),
        "perplexity": pytest.approx(math.exp(2)),
        "mlm_accuracy": pytest.approx(1 / 3),
        "pair_loss": pytest.approx(1.0),
        "pair_accuracy": pytest.approx(2 / 3),
    }


def test_without_pairs():
    scores = pretraining_scores((LOSS, CORRECT, COUNT))
    assert set(scores) == {"loss", "mlm_loss", "perplexity", "mlm_accuracy"}
    assert scores["loss"] == scores["mlm_loss"]


@pytest.mark.parametrize("non_finite", [math.nan, math.inf])
def test_non_finite_examples_are_counted_and_skipped(non_finite):
    scores = pretraining_scores((np.append(LOSS, non_finite), np.append(CORRECT, 9), np.append(COUNT, 9)))
    assert scores["non_finite_examples"] == 1
    assert scores["mlm_loss"] == pytest.approx(2.0)
    without_finite = pretraining_scores((np.array([non_finite]), np.array([0]), np.array([1])))
    assert without_finite == pytest.approx({"loss": math.nan, "non_finite_examples": 1}, nan_ok=True)


def test_a_perplexity_too_large_for_floats_is_finite():
    assert math.isfinite(pretraining_scores((np.array([1e6]), np.array([0]), np.array([1])))["perplexity"])


def test_baselines_equal_their_closed_forms():
    train, evaluated = np.array([7, 1, 0, 0]), np.array([2, 0, 2, 0])
    baselines = baseline_scores(train, evaluated, pairs=True)
    assert baselines["uniform"] == {"perplexity": 4.0, "mlm_accuracy": 0.25, "pair_accuracy": 0.5}
    # add one: (8, 2, 1, 1) / 12, so the two tokens of the evaluation have 8/12 and 1/12
    assert baselines["unigram"]["perplexity"] == pytest.approx(math.exp(-(math.log(8 / 12) + math.log(1 / 12)) / 2))
    assert baselines["unigram"]["mlm_accuracy"] == 0.5
    assert "pair_accuracy" not in baseline_scores(train, evaluated, pairs=False)["uniform"]


def test_sums_and_items_of_the_loss_terms():
    output = PretrainingOutput(mlm_loss=torch.tensor([1.0, 2.0]), pair_loss=torch.tensor([0.5, 0.5]))
    assert {name: value.item() for name, value in loss_sums(output).items()} == {"mlm": 3.0, "pair": 1.0}
    batch = {"labels": torch.tensor([[-100, 3], [4, 5]]), "next_sentence_label": torch.tensor([1, -100])}
    assert {name: value.item() for name, value in num_items(batch).items()} == {"mlm": 3, "pair": 1}
    del batch["next_sentence_label"]
    assert set(num_items(batch)) == set(loss_sums(PretrainingOutput(mlm_loss=torch.ones(1)))) == {"mlm"}


def test_intervals_agree_with_scipy():
    rng = np.random.default_rng(1)
    count = rng.integers(0, 20, size=200)
    loss, correct = 3.0 * count + rng.normal(size=200), rng.binomial(count, 0.3)
    pair_loss, pair_correct = rng.exponential(size=200), rng.integers(2, size=200)
    outputs = (loss, correct, count, pair_loss, pair_correct)
    intervals, scores = score_intervals(outputs), pretraining_scores(outputs)
    expected = stats.bootstrap(
        (loss, count), lambda part, whole, axis: part.sum(axis) / whole.sum(axis), paired=True, method="percentile",
        n_resamples=5000, rng=np.random.default_rng(2), vectorized=True,
    ).confidence_interval  # fmt: skip
    width = expected.high - expected.low
    assert intervals["mlm_loss"] == pytest.approx((expected.low, expected.high), abs=0.1 * width)
    assert intervals["perplexity"] == pytest.approx(np.exp(intervals["mlm_loss"]))
    assert set(intervals) == {"mlm_loss", "perplexity", "mlm_accuracy", "pair_loss", "pair_accuracy"}
    assert all(low < scores[name] < high for name, (low, high) in intervals.items())
    mostly_nan = (np.where(np.arange(200) < 197, np.nan, loss), *outputs[1:])
    assert score_intervals(mostly_nan) == {}  # three finite examples are too few
    assert set(score_intervals(outputs[:3])) == {"mlm_loss", "perplexity", "mlm_accuracy"}


def test_scores_of_nothing_are_absent():
    nothing = np.zeros(2)
    assert pretraining_scores((nothing, nothing, nothing)) == {}
    with_pairs = pretraining_scores((nothing, nothing, nothing, np.array([0.5, 1.5]), np.array([1, 0])))
    assert with_pairs == {"pair_loss": 1.0, "pair_accuracy": 0.5}
    assert score_intervals((nothing, nothing, nothing)) == {}
    words, none = np.array([3, 1]), np.array([0, 0])
    assert baseline_scores(words, none, pairs=False) == {"uniform": {"perplexity": 2.0, "mlm_accuracy": 0.5}}


def test_an_interval_without_width_is_none():
    loss, nothing, count = np.arange(5.0), np.zeros(5), np.ones(5)
    assert set(score_intervals((loss, nothing, count))) == {"mlm_loss", "perplexity"}
