import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_finetune_kit.question_answering.abstaining import deal_out, fit_threshold, halves, score_histogram
from bert_finetune_kit.question_answering.metrics import score_answers, squad_scores


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=200))
def test_a_group_is_in_one_half(groups):
    fit = halves(groups)
    sides = [{group for group, one in zip(groups, fit, strict=True) if one == side} for side in (True, False)]
    assert not sides[0] & sides[1]
    assert abs(int(fit.sum()) * 2 - len(groups)) <= max(groups.count(one) for one in groups)


def test_what_is_dealt_out_whole():
    """Articles; contexts where that leaves one side without much or without a kind; at last questions."""
    some = np.arange(200) % 3 > 0
    contexts = [str(number // 5) for number in range(200)]
    for titles, contexts_given, by in (
        ([f"article {number // 20}" for number in range(200)], contexts, "articles"),
        (["one"] * 190 + ["two"] * 10, contexts, "contexts"),
        ([""] * 200, contexts, "contexts"),
        (["one" if one else "two" for one in some], contexts, "contexts"),
        ([""] * 200, ["the same"] * 200, "questions"),
    ):
        fit, dealt_out = deal_out(some, titles, contexts_given)
        assert dealt_out == by
        assert 0.25 <= fit.mean() <= 0.75
        assert all(some[side].any() and not some[side].all() for side in (fit, ~fit))


def test_questions_of_one_probability_are_not_parted():
    """All are answered or none, and what is fitted on them is what they score."""
    answerable = np.arange(40) < 20  # the order in which a sort leaves equal values
    scored = score_answers(["x"] * 40, [["x"] if one else [] for one in answerable])
    for value in (1.0, 0.3, 1 - 1e-9):
        no_answer = np.full(40, value)
        fitted = fit_threshold(scored, no_answer, [""] * 40, [str(n) for n in range(40)])
        found = squad_scores(scored.take(fitted.fit), no_answer[fitted.fit], fitted.threshold)
        assert fitted.f1 == pytest.approx(found["f1"])
    assert squad_scores(scored, np.full(40, 1.0))["best_f1"] > 50  # as the official script does


def test_a_fitted_threshold_is_good_on_the_other_half_too():
    rng = np.random.default_rng(1)
    answerable = rng.random(400) < 0.5
    references = [["x"] if one else [] for one in answerable]
    told = score_answers(["x"] * 400, references)
    no_answer = np.clip(rng.normal(np.where(answerable, 0.35, 0.65), 0.15), 0, 1)
    fitted = fit_threshold(told, no_answer, [f"article {number // 20}" for number in range(400)], [""] * 400)
    assert fitted.fit.sum() == 200
    other = ~fitted.fit
    alone = squad_scores(told.take(other), no_answer[other])
    scores = squad_scores(told.take(other), no_answer[other], fitted.threshold)
    assert alone["f1"] < scores["f1"] <= alone["best_f1"]
    assert fitted.threshold == pytest.approx(0.5, abs=0.1)
    assert fitted.f1 == pytest.approx(squad_scores(told.take(fitted.fit), no_answer[fitted.fit])["best_f1"])
    assert squad_scores(told.take(fitted.fit), no_answer[fitted.fit], fitted.threshold)["f1"] == fitted.f1


def test_histogram_of_the_probability_of_no_answer():
    rng = np.random.default_rng(0)
    has_answer = rng.random(1000) < 0.7
    no_answer = 1 / (1 + np.exp(-rng.normal(np.where(has_answer, -3, 3), 2)))
    no_answer[:2] = 0.0, 1.0
    found = score_histogram(no_answer, has_answer, 0.3, bins=20)
    assert len(found["edges"]) == 21
    assert np.all(np.diff(found["edges"]) > 0)
    assert found["edges"][0] < found["threshold"] == 0.3 < found["edges"][-1]
    assert sum(found["answerable"]) == has_answer.sum()  # the ends hold what lies beyond
    assert sum(found["unanswerable"]) == (~has_answer).sum()
    middle = found["edges"][10]
    below = np.sum(no_answer[has_answer] < middle)
    assert sum(found["answerable"][:10]) == below
    widths = np.diff(np.log(np.array(found["edges"]) / (1 - np.array(found["edges"]))))
    np.testing.assert_allclose(widths, widths[0])


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_histogram_where_all_say_the_same(value):
    found = score_histogram(np.full(6, value), np.arange(6) < 2, value)
    assert (sum(found["answerable"]), sum(found["unanswerable"])) == (2, 4)
    assert 0 < found["edges"][0] < found["edges"][-1] < 1
