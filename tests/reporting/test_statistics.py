"""Intervals and tests against closed forms, scipy and published examples."""

import math

import numpy as np
import pytest
from scipy import stats

from bert_finetune_kit.data.clusters import cluster_numbers
from bert_finetune_kit.reporting.intervals import interval_note, intervals_of
from bert_finetune_kit.reporting.statistics.clusters import Units, choose_units, single_units
from bert_finetune_kit.reporting.statistics.paired import (
    compare_shares,
    compare_statistics,
    holm,
    mcnemar,
    paired_share_interval,
    smallest_difference,
)
from bert_finetune_kit.reporting.statistics.resampling import difference, drawn_weights, estimate
from bert_finetune_kit.reporting.statistics.score_statistics import (
    calibration_statistic,
    mean_statistics,
    ratio_statistic,
)
from bert_finetune_kit.reporting.statistics.seeds import compare_means, seeds_needed
from bert_finetune_kit.reporting.statistics.shares import share_interval, wilson


def blocks(sizes, name="articles"):
    return Units(name, np.repeat(np.arange(len(sizes)), sizes))


def test_examples_that_share_any_name_are_one_unit():
    authors, texts = ["a", "a", "b", "c", "d"], ["x", "y", "y", "z", "z"]
    assert cluster_numbers(authors, texts).tolist() == [0, 0, 0, 1, 1]
    assert cluster_numbers(authors).tolist() == [0, 0, 1, 2, 3]
    assert cluster_numbers([]).tolist() == []


def test_units_are_the_coarsest_of_which_there_are_enough():
    everything = np.ones(6, bool)
    articles, contexts = blocks([3, 3]), blocks([2, 1, 1, 2], "contexts")
    assert choose_units(everything, articles, contexts, single_units(6)) is contexts
    half = np.array([1, 1, 1, 0, 0, 0], bool)
    assert choose_units(half, articles, contexts, single_units(6)).are_examples
    assert contexts.take(half).numbers.tolist() == [0, 0, 1]


def test_degrees_of_freedom_count_large_units_for_what_they_are_worth():
    assert single_units(50).freedom == 49
    assert blocks([7] * 9).freedom == pytest.approx(8)
    assert blocks([90, 5, 5]).freedom == 1  # (100² / 8150) - 1 is less: one large unit decides
    assert blocks([4, 2, 2]).freedom == pytest.approx(64 / 24 - 1)


def test_draws_have_as_many_units_as_there_are():
    drawn = np.concatenate(list(drawn_weights(40, np.random.default_rng(0), 2000)))
    assert drawn.shape == (2000, 40)
    assert (drawn.sum(1) == 40).all()
    assert drawn.mean() == 1
    assert drawn.var() == pytest.approx(1 - 1 / 40, rel=0.03)  # of a binomial of 40 draws, each with 1/40


def test_few_units_have_the_t_interval_of_their_means():
    """Of units of one size the jackknife is the standard error of a mean."""
    values = np.random.default_rng(0).normal(1, 1, size=8)
    expected = stats.ttest_1samp(values, 0)
    interval = expected.confidence_interval()
    for repeated in (1, 5):
        units = single_units(8) if repeated == 1 else blocks([repeated] * 8)
        found = estimate(mean_statistics({"m": np.repeat(values, repeated)}, units), units)["m"]
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
        assert found.p_value == pytest.approx(expected.pvalue)
        assert found.error == pytest.approx(stats.sem(values))


def test_many_units_agree_with_the_bootstrap_of_scipy():
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 20, size=120)
    units = blocks(sizes)
    losses, words = rng.exponential(size=sizes.sum()), rng.integers(1, 9, size=sizes.sum())
    sums = [np.bincount(units.numbers, values) for values in (losses, words)]
    expected = stats.bootstrap(
        sums, lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, method="BCa", n_resamples=4000,
        rng=np.random.default_rng(3),
    )  # fmt: skip
    low, high = expected.confidence_interval
    found = estimate({"r": ratio_statistic(losses, words, units)}, units, draws=4000)["r"]
    assert found.error == pytest.approx(expected.standard_error, rel=0.05)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_the_p_value_is_the_level_at_which_the_interval_reaches_zero():
    values = np.random.default_rng(4).normal(0.12, 1, size=200)
    units = single_units(200)
    found = estimate(mean_statistics({"m": values}, units), units, draws=20_000)["m"]
    assert found.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)
    shifted = estimate(mean_statistics({"m": values - found.low}, units), units, draws=20_000)["m"]
    assert shifted.p_value == pytest.approx(0.05, abs=0.004)


def test_a_score_without_width_or_without_draws_has_no_interval():
    units = single_units(50)
    statistics = mean_statistics({"same": np.ones(50)}, units)
    statistics["undefined"] = lambda weights: np.full(len(weights), np.nan)
    assert intervals_of(statistics, units) == {}
    assert intervals_of(mean_statistics({"one": np.ones(1)}, single_units(1)), single_units(1)) == {}


def test_an_interval_ends_where_its_score_ends():
    values = np.array([1.0, 1, 1, 1, 1, 0.2])
    units = single_units(6)
    statistics = mean_statistics({"f1": values, "mse": values}, units)
    found = intervals_of(statistics, units)
    assert found["f1"][1] == 1
    assert found["mse"][1] > 1


def test_the_calibration_error_of_drawn_examples():
    confidence, correct = np.array([0.95, 0.95, 0.55]), np.array([1, 0, 1])
    statistic = calibration_statistic(confidence, correct, single_units(3))
    # Two bins: 0.95 and 0.95 against one of two, 0.55 against one of one; then the second example twice, the third not.
    assert statistic(np.array([[1.0, 1, 1], [1, 2, 0]])) == pytest.approx([(0.9 + 0.45) / 3, (3 * 0.95 - 1) / 3])


def test_a_share_of_independent_examples_has_the_interval_of_wilson():
    correct = np.arange(50) < 40
    assert share_interval(correct, single_units(50)) == wilson(40, 50)


def test_a_share_of_units_that_do_not_differ_is_worth_all_examples():
    correct = np.tile([1, 1, 1, 0], 500)
    low, high = share_interval(correct, blocks([4] * 500))
    assert (low, high) == pytest.approx(wilson(1500, 2000), abs=3e-4)  # by t, not by the normal quantile


def test_examples_that_are_all_alike_in_a_unit_count_once():
    """Each text ten times says as much as each text once."""
    correct = np.arange(400) < 300
    units = blocks([10] * 400)
    assert share_interval(np.repeat(correct, 10), units) == pytest.approx(wilson(300, 400), abs=2e-3)
    low, high = share_interval(np.ones(4000), units)
    assert high == 1
    assert low == pytest.approx(wilson(400, 400)[0], abs=2e-4)


@pytest.mark.parametrize(
    ("only_first", "only_second", "mid_p"),
    [
        (1, 7, 0.0391),  # airway hyper-responsiveness, Fagerland, Lydersen and Laake (2013)
        (6, 16, 0.0347),  # complete response after consolidation, the same paper
        (5, 5, 1.0),
        (0, 0, 1.0),
    ],
)
def test_the_mid_p_value_of_mcnemar_is_that_of_the_paper(only_first, only_second, mid_p):
    assert mcnemar(only_first, only_second) == pytest.approx(mid_p, abs=5e-5)
    assert mcnemar(only_second, only_first) == mcnemar(only_first, only_second)
    if only_first != only_second:
        exact = stats.binomtest(only_first, only_first + only_second).pvalue
        point = stats.binom.pmf(only_first, only_first + only_second, 0.5)
        assert mcnemar(only_first, only_second) == pytest.approx(exact - point)


def test_the_interval_of_paired_shares_is_that_of_its_formula():
    """One and seven discordant of 21 pairs (Fagerland, Lydersen and Laake 2014): 2 and 8 of 23 once adjusted."""
    low, high = paired_share_interval(7, 1, 21)
    half = 1.959964 * np.sqrt((10 / 23 - (6 / 23) ** 2) / 23)
    assert (low, high) == pytest.approx((-6 / 23 - half, -6 / 23 + half), abs=1e-6)


def test_shares_of_the_same_examples_are_compared():
    first, second = np.ones(100), np.ones(100)
    first[:30], second[:10] = 0, 0
    found = compare_shares(first, second)
    assert found.value == pytest.approx(0.2)
    assert found.p_value == mcnemar(0, 20)
    assert found.low < 0.2 < found.high
    assert found.smallest == pytest.approx(2.8016 * np.sqrt(20) / 100, rel=1e-3)
    # Five examples on one side are the fewest that p < 0.05, and as many are found in four of five samples.
    assert stats.poisson.sf(4, 100 * compare_shares(first, first).smallest) == pytest.approx(0.8)
    assert mcnemar(0, 5) < 0.05 < mcnemar(0, 4)


def test_few_units_are_compared_by_the_paired_t_test():
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=(2, 9))
    units = single_units(9)
    sides = [mean_statistics({"m": values}, units)["m"] for values in (first, second)]
    found = compare_statistics({"m": difference(*sides)}, units)["m"]
    expected = stats.ttest_rel(second, first)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.method == "paired t test over 9 examples"


def test_a_paired_interval_of_what_is_alike_is_narrow():
    """Both runs find the same examples hard: the difference of means is known much better than the means."""
    rng = np.random.default_rng(7)
    hard = rng.normal(size=400)
    first, second = hard + rng.normal(size=(2, 400)) * 0.4
    units = single_units(400)
    sides = {name: mean_statistics({"m": values}, units)["m"] for name, values in (("a", first), ("b", second))}
    alone = estimate(sides, units)
    together = compare_statistics({"m": difference(sides["a"], sides["b"])}, units)["m"]
    unpaired = np.hypot(*(item.high - item.low for item in alone.values()))
    correlation = np.corrcoef(first, second)[0, 1]
    assert correlation > 0.8
    assert (together.high - together.low) / unpaired == pytest.approx(np.sqrt(1 - correlation), abs=0.05)


def test_holm_is_that_of_the_paper_of_r():
    """p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm"), and one p value alone."""
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.04, 0.01]) == pytest.approx([0.04, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_the_smallest_difference_is_found_in_four_of_five_cases():
    """By the power of a t test, whose noncentral distribution scipy has."""
    error, freedom = 0.01, 40
    smallest = smallest_difference(error, freedom)
    critical = stats.t.ppf(0.975, freedom)
    assert stats.nct.sf(critical, freedom, smallest / error) == pytest.approx(0.8, abs=0.01)


def test_seeds_alone_are_the_t_test_of_welch():
    first, second = [0.80, 0.82, 0.81, 0.85], [0.86, 0.88, 0.84]
    found = compare_means(first, second)
    expected = stats.ttest_ind(second, first, equal_var=False)
    assert found.difference.p_value == pytest.approx(expected.pvalue)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.difference.method == "t test over seeds"


def test_the_choice_of_examples_widens_the_interval_of_seeds():
    first, second = [0.80, 0.82, 0.81, 0.85], [0.86, 0.88, 0.84]
    alone, both = compare_means(first, second), compare_means(first, second, 0.02, 99)
    assert both.difference.high - both.difference.low > alone.difference.high - alone.difference.low
    assert both.seed_error == alone.seed_error
    # Where seeds do not differ, the examples are all there is.
    only = compare_means([0.8, 0.8], [0.85, 0.85], 0.02, 99)
    assert only.difference.p_value == pytest.approx(2 * stats.t.sf(2.5, 99))
    assert compare_means([0.8, 0.8], [0.8, 0.8]).difference.p_value == 1
    assert compare_means([0.8, 0.8], [0.9, 0.9]).difference.p_value == 0


def test_seeds_that_a_claim_needs_have_its_power():
    """By the noncentral t distribution, two groups of equal variance."""

    def power(seeds):
        shift = 0.02 / np.sqrt(2 * 1e-4 / seeds)
        return stats.nct.sf(stats.t.ppf(0.975, 2 * seeds - 2), 2 * seeds - 2, shift)

    needed = seeds_needed(0.02, [1e-4, 1e-4])
    assert power(needed) > 0.78
    assert power(needed - 1) < 0.8
    assert seeds_needed(0.02, [1e-4, 1e-4], 0.005) > needed
    assert seeds_needed(0.02, [1e-4, 1e-4], 0.01) is None  # 2.8 standard errors of the examples alone are more
    assert seeds_needed(0.0, [1e-4, 1e-4]) is None


def test_what_intervals_are_over_is_said():
    assert interval_note(single_units(30)) == ""
    assert interval_note(blocks([2] * 40)).startswith("The 95% intervals are over 40 articles, since")
    assert "t intervals" in interval_note(blocks([2] * 8))


def test_without_a_spread_of_seeds_and_without_their_examples_nothing_is_known():
    found = compare_means([0.8, 0.8], [0.81, 0.81])
    assert (found.seed_error, found.example_error) == (0, None)
    assert compare_means([0.8, 0.8], [0.8, 0.8], 0.0).example_error == 0


def test_the_rounding_of_means_is_no_difference():
    share = 34 / 60
    found = compare_means([share] * 2, [share] * 3, 1.1e-17, 59)
    assert (found.difference.value, found.difference.p_value, found.is_without_spread) == (0, 1, True)
    assert math.copysign(1, found.difference.low) == math.copysign(1, found.difference.high) == 1
    assert not compare_means([share] * 2, [share] * 3, 0.01, 59).is_without_spread
