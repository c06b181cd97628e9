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
    risk_coverage,
    select,
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
    thresholds = [select(drawn(99, rng).basis, other, coverage, None).threshold for _ in range(400)]
    assert np.mean(1 - np.array(thresholds) ** 6) == pytest.approx(coverage, abs=0.007)


def test_a_bound_of_the_risk_fails_at_most_in_one_of_twenty_validation_sets():
    rng = np.random.default_rng(1)
    other = drawn(10, rng)
    risks = []
    for _ in range(300):
        with suppress(ConfigError):  # where nothing can be shown, nothing is promised
            risks.append(true_risk(select(drawn(400, rng).basis, other, None, 0.12).threshold))
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
                selection = select(scored.basis, scored, None, 0.09)
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
    selection = select(scored.basis, scored, None, 0.9)
    assert "counting them as 10 articles, groups or texts that differ from each other" in str(selection)
    with pytest.raises(
        ConfigError, match="by the 200 validation examples of 10 articles, groups or texts that a threshold"
    ):
        select(scored.basis, scored, None, 0.01)
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
    selection = select(scored.basis, scored, None, 0.02)
    assert selection.coverage == pytest.approx(0.8, abs=0.01)
    assert selection.risk == 0
    assert selection.bound == pytest.approx(stats.beta.ppf(1 - 0.05 / 10, 1, 800))
    assert select(scored.basis, scored, None, 0.3).threshold == -math.inf
    with pytest.raises(ConfigError, match=r"max_risk=0\.001 cannot be shown by the 1,000 validation examples.*0\.007"):
        select(scored.basis, scored, None, 0.001)


def test_words_say_what_was_measured_on_other_examples():
    chosen_on = ScoredPredictions([0.5, 0.6, 0.7, 0.8] * 25, [True] * 100, [])
    measured_on = ScoredPredictions([0.55, 0.75] * 50, [False, True] * 50, [])
    words = str(select(chosen_on.basis, measured_on, 0.5, None))
    assert "confidence of 0.6 or less are refused" in words
    assert "On 100 validation examples that were not used for this, 50.0% of the predictions are kept" in words
    assert "0.0% of them are wrong (0.0% to 7.1%), against 50.0% of all" in words
    bounded = str(select(chosen_on.basis, measured_on, None, 0.1))
    assert "With 95% confidence at most 5.2% of the kept ones are wrong" in bounded


def test_equal_confidences_are_kept_together_and_all_can_be_kept():
    tied = ScoredPredictions([1.0] * 60 + [0.5] * 40, [True] * 100, [])
    selection = select(tied.basis, tied, 0.5, None)
    assert (selection.threshold, selection.coverage) == (0.75, 0.6)
    assert select(tied.basis, tied, 0.25, None).coverage == 0  # 0% is closer than 60%
    assert select(ScoredPredictions([1.0] * 9, [True] * 9, []).basis, tied, 0.9, None).threshold == -math.inf
    assert (
        select(tied.basis, tied, 1, None).threshold
        == select(tied.basis, tied, np.float32(1), None).threshold
        == -math.inf
    )
    assert select(tied.basis, tied, np.float32(0.5), None) == selection


def test_words_where_there_is_nothing_to_measure_on():
    chosen_on, none = ScoredPredictions([0.9, 0.8, 0.7], [True] * 3, []), ScoredPredictions([], [], [])
    assert str(select(chosen_on.basis, none, 0.5, None)).endswith(
        "There are no other validation examples to measure it on."
    )
    other = ScoredPredictions([0.1], [True], [])
    assert str(select(chosen_on.basis, other, 0.5, None)).endswith("were not used for this, no prediction is kept.")


def test_the_risk_that_is_proposed_can_be_had():
    scored = drawn(150, np.random.default_rng(3))
    with pytest.raises(ConfigError, match="the lowest risk") as refused:
        select(scored.basis, scored, None, 0.0001)
    proposed = float(re.search(r"confidence is ([\d.]+\d)\.", str(refused.value))[1])
    assert select(scored.basis, scored, None, proposed).bound <= proposed


def test_what_cannot_be_chosen():
    scored = drawn(50, np.random.default_rng(0))
    for value in (0, 1.5, "0.9", True):
        with pytest.raises(ConfigError, match=r"coverage=.* is no share"):
            select(scored.basis, scored, value, None)
    with pytest.raises(ConfigError, match="No validation prediction"):
        select(ScoredPredictions([], [], []).basis, scored, 0.9, None)


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
