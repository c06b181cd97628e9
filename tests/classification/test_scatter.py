"""Predicted against true values of a regression, for a plot."""

import json

import numpy as np
import pytest

from bert_finetune_kit.classification.metrics import Predictions
from bert_finetune_kit.classification.scatter import predicted_against_true


def regression(true, predicted):
    return Predictions(np.array(true, float), np.array(predicted, float), np.array(predicted, float))


def test_few_examples_are_points():
    values = predicted_against_true(regression([1, 2.5], [1.123456789, 2]))
    assert values == {"points": [(1.0, 1.1235), (2.5, 2.0)]}


def test_many_examples_are_counted_in_a_grid_over_all_of_them():
    rng = np.random.default_rng(0)
    true = rng.uniform(0, 5, 3_000)
    predicted = true + rng.normal(0, 0.3, 3_000)
    values = predicted_against_true(regression(true, predicted), cells=10)
    counts, edges = np.array(values["counts"]), values["edges"]
    assert counts.sum() == 3_000
    assert edges[0] == pytest.approx(min(true.min(), predicted.min()))
    assert edges[-1] == pytest.approx(max(true.max(), predicted.max()))
    low, high = edges[4], edges[5]
    inside = (true >= low) & (true < high) & (predicted >= low) & (predicted < high)
    assert counts[4, 4] == inside.sum() > 0
    assert len(json.dumps(predicted_against_true(regression(true, predicted)))) < 10_000


def test_equal_values_have_a_grid_too():
    values = predicted_against_true(regression([2.0] * 5, [2.0] * 5), most_points=4)
    assert np.sum(values["counts"]) == 5
