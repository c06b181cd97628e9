import math
import re
from contextlib import suppress

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import auc

from bert_finetune_kit import ConfigError
from bert_finetune_kit.calibration.selective import (
    ScoredPredictions,
    exact_interval,
    for_coverage,
    for_risk,
    risk_coverage,
)
from bert_finetune_kit.reporting.statistics.clusters import Units
from bert_finetune_kit.reporting.statistics.shares import upper_share


def drawn(count, rng):
    """Predictions that are correct as often as they say."""
    confidence = rng.beta(6, 1, count)
    return ScoredPredictions(confidence.tolist(), (rng.random(count) < confidence).tolist(), [])


def true_risk(threshold):
    """The share of wrong ones among the predictions above a threshold, by the distribution that they are drawn from."""
    low = max(threshold, 0.0)
    return 1 - 6 / 7 * (1 - low**7) / (1 - low**6)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_new_predictions_are_kept_as_often_as_asked_for(coverage):
    rng = np.random.default_rng(0)
    other = drawn(10, rng)
    thresholds = [for_coverage(coverage, drawn(99, rng), other).threshold for _ in range(400)]
    assert np.mean(1 - np.array(thresholds) ** 6) == pytest.approx(coverage, abs=0.007)


def test_a_bound_of_the_risk_fails_at_most_in_one_of_twenty_validation_sets():
    rng = np.random.default_rng(1)
    other = drawn(10, rng)
    risks = []
    for _ in range(300):
        with suppress(ConfigError):  # where nothing can be shown, nothing is promised
            risks.append(true_risk(for_risk(0.12, drawn(400, rng), other).threshold))
    assert len(risks) > 100
    assert np.sum(np.array(risks) > 0.12) <= 15


@pytest.mark.slow
def test_a_bound_by_articles_holds_where_their_questions_resemble_each_other():
    """Each article is hard or easy as a whole; counted as independent, the bound fails far more often."""

    def failures(by_article):
        rng, failed, kept = np.random.default_rng(2), 0, 0
        for _ in range(150):
            wrong = np.repeat(rng.beta(0.5, 4.5, 24), 25) > rng.random(600)  # a tenth on average
            confidence = np.repeat(rng.uniform(0.5, 1, 24), 25) + rng.uniform(0, 1e-3, 600)  # which says nothing of it
            clusters = np.repeat(np.arange(24), 25).tolist() if by_article else []
            scored = ScoredPredictions(confidence.tolist(), (~wrong).tolist(), [], clusters)
            with suppress(ConfigError):
                selection = for_risk(0.09, scored, scored)
                failed, kept = failed + (selection.bound < 0.1), kept + 1
        return failed, kept

    assert failures(True)[0] <= 8
    assert failures(False)[0] > 20


def test_the_bound_of_articles_is_that_of_korn_and_graubard():
    correct = np.ones(200, bool)
    correct[:10] = False  # all in the first article of 10
    units = Units("articles", np.repeat(np.arange(10), 20))
    shares = 1 - correct.reshape(10, 20).mean(1)
    left_out = np.array([np.delete(shares, number).mean() for number in range(10)])
    variance = 0.9 * ((left_out - left_out.mean()) ** 2).sum()
    worth = 0.05 * 0.95 / variance * (stats.norm.ppf(0.995) / stats.t.ppf(0.995, 9)) ** 2
    expected = stats.beta.ppf(0.995, 0.05 * worth + 1, 0.95 * worth)
    assert upper_share(~correct, units, 0.005) == pytest.approx(expected)
    scored = ScoredPredictions(np.linspace(0.5, 1, 200).tolist(), [True] * 200, [], units.numbers.tolist())
    selection = for_risk(0.9, scored, scored)
    assert "counting them as 10 articles, groups or texts that differ from each other" in str(selection)
    with pytest.raises(
        ConfigError, match="by the 200 validation examples of 10 articles, groups or texts that a threshold"
    ):
        for_risk(0.01, scored, scored)
    assert selection.coverage_interval != exact_interval(200, 200)


def test_the_exact_interval_is_that_of_scipy():
    for successes, total in ((0, 20), (7, 20), (20, 20)):
        expected = stats.binomtest(successes, total).proportion_ci(method="exact")
        assert exact_interval(successes, total) == pytest.approx((expected.low, expected.high))
    assert exact_interval(0, 0) == (0, 1)


def test_the_largest_coverage_that_the_bound_allows_is_chosen():
    confidence = np.linspace(0.5, 1, 1000)
    correct = confidence > 0.6  # the surest 80% are right
    scored = ScoredPredictions(confidence.tolist(), correct.tolist(), [])
    selection = for_risk(0.02, scored, scored)
    assert selection.coverage == pytest.approx(0.8, abs=0.01)
    assert selection.risk == 0
    assert selection.bound == pytest.approx(stats.beta.ppf(1 - 0.05 / 10, 1, 800))
    assert for_risk(0.3, scored, scored).threshold == -math.inf
    with pytest.raises(ConfigError, match=r"max_risk=0\.001 cannot be shown by the 1,000 validation examples.*0\.007"):
        for_risk(0.001, scored, scored)


def test_words_say_what_was_measured_on_other_examples():
    chosen_on = ScoredPredictions([0.5, 0.6, 0.7, 0.8] * 25, [True] * 100, [])
    measured_on = ScoredPredictions([0.55, 0.75] * 50, [False, True] * 50, [])
    words = str(for_coverage(0.5, chosen_on, measured_on))
    assert "confidence of 0.6 or less are refused" in words
    assert "On 100 validation examples that were not used for this, 50.0% of the predictions are kept" in words
    assert "0.0% of them are wrong (0.0% to 7.1%), against 50.0% of all" in words
    bounded = str(for_risk(0.1, chosen_on, measured_on))
    assert "With 95% confidence at most 5.2% of the kept ones are wrong" in bounded


def test_equal_confidences_are_kept_together_and_all_can_be_kept():
    tied = ScoredPredictions([1.0] * 60 + [0.5] * 40, [True] * 100, [])
    selection = for_coverage(0.5, tied, tied)
    assert (selection.threshold, selection.coverage) == (0.75, 0.6)
    assert for_coverage(0.25, tied, tied).coverage == 0  # 0% is closer than 60%
    assert for_coverage(0.9, ScoredPredictions([1.0] * 9, [True] * 9, []), tied).threshold == -math.inf
    assert for_coverage(1, tied, tied).threshold == for_coverage(np.float32(1), tied, tied).threshold == -math.inf
    assert for_coverage(np.float32(0.5), tied, tied) == selection


def test_words_where_there_is_nothing_to_measure_on():
    chosen_on, none = ScoredPredictions([0.9, 0.8, 0.7], [True] * 3, []), ScoredPredictions([], [], [])
    assert str(for_coverage(0.5, chosen_on, none)).endswith("There are no other validation examples to measure it on.")
    other = ScoredPredictions([0.1], [True], [])
    assert str(for_coverage(0.5, chosen_on, other)).endswith("were not used for this, no prediction is kept.")


def test_the_risk_that_is_proposed_can_be_had():
    scored = drawn(150, np.random.default_rng(3))
    with pytest.raises(ConfigError, match="the lowest risk") as refused:
        for_risk(0.0001, scored, scored)
    proposed = float(re.search(r"confidence is ([\d.]+\d)\.", str(refused.value))[1])
    assert for_risk(proposed, scored, scored).bound <= proposed


def test_what_cannot_be_chosen():
    scored = drawn(50, np.random.default_rng(0))
    for value in (0, 1.5, "0.9", True):
        with pytest.raises(ConfigError, match=r"coverage=.* is no share"):
            for_coverage(value, scored, scored)
    with pytest.raises(ConfigError, match="No validation prediction"):
        for_coverage(0.9, ScoredPredictions([], [], []), scored)


def test_the_curve_of_risk_by_coverage():
    confidence = np.array([0.9, 0.9, 0.8, 0.5])
    curve = risk_coverage(confidence, np.array([True, False, True, False]))
    assert curve["coverage"] == [0.5, 0.75, 1.0]  # equal confidences are kept together
    assert curve["risk"] == pytest.approx([0.5, 1 / 3, 0.5])
    assert curve["predictions"] == 4
    rng = np.random.default_rng(0)
    confidence = rng.random(5000)
    curve = risk_coverage(confidence, rng.random(5000) < confidence)
    assert len(curve["risk"]) <= 100
    assert curve["area"] == pytest.approx(auc(curve["coverage"], curve["risk"]), abs=0.01)
