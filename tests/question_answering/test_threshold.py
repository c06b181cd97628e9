import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_finetune_kit.question_answering.metrics import score_answers, squad_scores
from bert_finetune_kit.question_answering.threshold import (
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
