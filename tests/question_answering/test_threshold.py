import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_finetune_kit.question_answering.metrics import score_answers, squad_scores
from bert_finetune_kit.question_answering.threshold import (
    DEFAULT_THRESHOLD,
    fit_threshold,
    half_of_groups,
    score_histogram,
    split_for_threshold,
)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=200))
def test_each_group_is_in_one_half(groups):
    fit = half_of_groups(groups)
    halves = [{group for group, in_fit in zip(groups, fit, strict=True) if in_fit == half} for half in (True, False)]
    assert not halves[0] & halves[1]
    assert abs(int(fit.sum()) * 2 - len(groups)) <= max(map(groups.count, groups))


@pytest.mark.parametrize(("sizes", "first"), [((6, 4, 2, 1), {6, 1}), ((6, 5, 1), {6}), ((1, 2, 4), {4})])
def test_the_largest_group_comes_first_and_the_next_go_to_the_smaller_half(sizes, first):
    """Where both halves have as many questions, a group goes to the first; all sizes differ, so no draw decides."""
    groups = [str(size) for size in sizes for _ in range(size)]
    assert {int(group) for group, in_fit in zip(groups, half_of_groups(groups), strict=True) if in_fit} == first


def test_groups_of_equal_size_are_drawn_the_same_in_every_run():
    """A threshold, and the score on the other half, must not depend on the run."""
    order = np.random.default_rng(0).permutation(9)
    assert np.flatnonzero(half_of_groups(list("abcdefghi"))).tolist() == sorted(order[::2].tolist())


CONTEXTS = [str(number // 5) for number in range(200)]
THIRDS = np.arange(200) % 3 > 0


@pytest.mark.parametrize(
    ("titles", "contexts", "split_by"),
    [
        ([f"article {number // 20}" for number in range(200)], CONTEXTS, "articles"),
        (["large"] * 190 + ["small"] * 10, CONTEXTS, "contexts"),
        ([""] * 200, CONTEXTS, "contexts"),
        (["answerable" if answerable else "unanswerable" for answerable in THIRDS], CONTEXTS, "contexts"),
        ([""] * 200, ["the same"] * 200, "questions"),
    ],
    ids=["articles", "an article too large", "no articles", "articles of one kind", "one context"],
)
def test_the_split_keeps_articles_together_or_else_contexts_or_questions(titles, contexts, split_by):
    """Each side needs enough questions of both kinds."""
    fit, kept_together = split_for_threshold(THIRDS, titles, contexts)
    assert kept_together == split_by
    assert 0.25 <= fit.mean() <= 0.75
    assert all(THIRDS[side].any() and not THIRDS[side].all() for side in (fit, ~fit))


def test_articles_of_which_some_have_no_title():
    titles = [f"article {number // 20}" if number >= 40 else "" for number in range(200)]
    assert split_for_threshold(THIRDS, titles, CONTEXTS)[1] == "articles"


@pytest.mark.parametrize("mixed_is_larger", [True, False])
@pytest.mark.parametrize("kind", [True, False])
def test_both_halves_need_questions_of_both_kinds(kind, mixed_is_larger):
    """One of two articles has questions of one kind alone, whichever half it is in."""
    mixed = 101 if mixed_is_larger else 99
    titles = ["mixed" if number < mixed else "of one kind" for number in range(200)]
    has_answer = np.where(np.arange(200) < mixed, THIRDS, kind)
    assert split_for_threshold(has_answer, titles, CONTEXTS)[1] == "contexts"


@pytest.mark.parametrize(("small", "split_by"), [(50, "articles"), (49, "contexts")])
def test_a_half_has_a_quarter_of_the_questions_at_least(small, split_by):
    titles = ["small" if number < small else "large" for number in range(200)]
    assert split_for_threshold(THIRDS, titles, CONTEXTS)[1] == split_by


def fitted_on(no_answer, answerable):
    """Fit a threshold where every answer is correct, and each question has a context of its own."""
    scored = score_answers(["x"] * len(answerable), [["x"] if has_answer else [] for has_answer in answerable])
    contexts = [str(number) for number in range(len(answerable))]
    return fit_threshold(scored, np.array(no_answer), [""] * len(answerable), contexts)


def test_a_threshold_is_half_way_to_the_first_abstention():
    fitted = fitted_on([0.1, 0.2, 0.6, 0.9] * 20, [True, True, False, False] * 20)
    assert fitted.threshold == pytest.approx((0.2 + 0.6) / 2)
    assert fitted.f1 == 100


def test_where_no_abstention_pays_the_model_never_abstains():
    """The least sure answers are right: one wrong answer below them costs less than all of them."""
    fitted = fitted_on([0.1, 0.7, 0.8, 0.9] * 20, [False, True, True, True] * 20)
    assert fitted.threshold == 1
    assert fitted.f1 == pytest.approx(100 * np.tile([False, True, True, True], 20)[fitted.fit].mean())


def test_without_a_fit_no_answer_must_be_more_probable_than_the_best_span():
    assert DEFAULT_THRESHOLD == 0.5


def test_questions_of_equal_probability_are_all_answered_or_none():
    """The F1 of the fit is what these questions score at the threshold."""
    answerable = np.arange(40) < 20  # the order in which a sort leaves equal values
    scored = score_answers(["x"] * 40, [["x"] if has_answer else [] for has_answer in answerable])
    for value in (1.0, 0.3, 1 - 1e-9):
        no_answer = np.full(40, value)
        fitted = fit_threshold(scored, no_answer, [""] * 40, [str(n) for n in range(40)])
        scores = squad_scores(scored.take(fitted.fit), no_answer[fitted.fit], fitted.threshold)
        assert fitted.f1 == pytest.approx(scores["f1"])
    assert squad_scores(scored, np.full(40, 1.0))["best_f1"] > 50  # as the official script does


def test_a_fitted_threshold_generalizes_to_the_other_half():
    rng = np.random.default_rng(1)
    answerable = rng.random(400) < 0.5
    answers = score_answers(["x"] * 400, [["x"] if has_answer else [] for has_answer in answerable])
    no_answer = np.clip(rng.normal(np.where(answerable, 0.35, 0.65), 0.15), 0, 1)
    fitted = fit_threshold(answers, no_answer, [f"article {number // 20}" for number in range(400)], [""] * 400)
    assert fitted.fit.sum() == 200
    scored = ~fitted.fit
    unthresholded = squad_scores(answers.take(scored), no_answer[scored])
    scores = squad_scores(answers.take(scored), no_answer[scored], fitted.threshold)
    assert unthresholded["f1"] < scores["f1"] <= unthresholded["best_f1"]
    assert fitted.threshold == pytest.approx(0.5, abs=0.1)
    assert fitted.f1 == pytest.approx(squad_scores(answers.take(fitted.fit), no_answer[fitted.fit])["best_f1"])
    assert squad_scores(answers.take(fitted.fit), no_answer[fitted.fit], fitted.threshold)["f1"] == fitted.f1


def test_histogram_of_the_probability_of_no_answer():
    rng = np.random.default_rng(0)
    has_answer = rng.random(1000) < 0.7
    no_answer = 1 / (1 + np.exp(-rng.normal(np.where(has_answer, -3, 3), 2)))
    no_answer[:2] = 0.0, 1.0
    histogram = score_histogram(no_answer, has_answer, 0.3, bins=20)
    assert len(histogram["edges"]) == 21
    assert np.all(np.diff(histogram["edges"]) > 0)
    assert histogram["edges"][0] < histogram["threshold"] == 0.3 < histogram["edges"][-1]
    assert sum(histogram["answerable"]) == has_answer.sum()  # the outer bins include everything beyond
    assert sum(histogram["unanswerable"]) == (~has_answer).sum()
    middle = histogram["edges"][10]
    below = np.sum(no_answer[has_answer] < middle)
    assert sum(histogram["answerable"][:10]) == below
    widths = np.diff(np.log(np.array(histogram["edges"]) / (1 - np.array(histogram["edges"]))))
    np.testing.assert_allclose(widths, widths[0])


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_histogram_of_equal_probabilities(value):
    histogram = score_histogram(np.full(6, value), np.arange(6) < 2, value)
    assert (sum(histogram["answerable"]), sum(histogram["unanswerable"])) == (2, 4)
    assert 0 < histogram["edges"][0] < histogram["edges"][-1] < 1


def log_odds(probabilities):
    return np.log(np.array(probabilities)) - np.log1p(-np.array(probabilities))


@pytest.mark.parametrize(("threshold", "low", "high"), [(0.0, -5.4, 5.4), (-7.0, -7.5, 5.4), (6.5, -5.4, 7.0)])
def test_the_bins_of_a_histogram(threshold, low, high):
    """From the 1st to the 99th percentile or to the threshold, and half a unit of log-odds beyond: 24 bins."""
    odds = np.linspace(-5, 5, 101)  # whose percentiles are -5 + percent / 10
    histogram = score_histogram(1 / (1 + np.exp(-odds)), np.arange(101) < 61, 1 / (1 + np.exp(-threshold)))
    assert log_odds(histogram["edges"]) == pytest.approx(np.linspace(low, high, 25))
    assert (sum(histogram["answerable"]), sum(histogram["unanswerable"])) == (61, 40)


@pytest.mark.parametrize(("value", "centre"), [(0.0, -12.0), (1.0, 12.0)])
def test_probabilities_of_0_and_1_are_at_log_odds_of_12(value, centre):
    edges = score_histogram(np.full(6, value), np.arange(6) < 2, value, bins=2)["edges"]
    assert log_odds(edges) == pytest.approx([centre - 0.5, centre, centre + 0.5], abs=1e-9 * np.exp(12.5))
