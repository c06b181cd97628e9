import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_finetune_kit.question_answering.abstaining import fit_threshold, halves
from bert_finetune_kit.question_answering.metrics import score_answers, squad_scores


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=200))
def test_an_article_is_in_one_half(titles):
    fit = halves(titles)
    if len(set(titles)) > 1:
        sides = [{title for title, one in zip(titles, fit, strict=True) if one == side} for side in (True, False)]
        assert not sides[0] & sides[1]
        largest = max(titles.count(one) for one in titles)
        assert abs(int(fit.sum()) * 2 - len(titles)) <= largest
    else:
        assert abs(int(fit.sum()) * 2 - len(titles)) <= 1
    assert 0 < fit.sum() < len(titles)


def test_a_fitted_threshold_is_good_on_the_other_half_too():
    rng = np.random.default_rng(1)
    answerable = rng.random(400) < 0.5
    references = [["x"] if one else [] for one in answerable]
    told = score_answers(["x"] * 400, references)
    no_answer = np.clip(rng.normal(np.where(answerable, 0.35, 0.65), 0.15), 0, 1)
    fitted = fit_threshold(told, no_answer, [f"article {number // 20}" for number in range(400)])
    assert fitted.fit.sum() == 200
    other = ~fitted.fit
    alone = squad_scores(told.take(other), no_answer[other])
    scores = squad_scores(told.take(other), no_answer[other], fitted.threshold)
    assert alone["f1"] < scores["f1"] <= alone["best_f1"]
    assert fitted.threshold == pytest.approx(0.5, abs=0.1)
    assert fitted.f1 == pytest.approx(squad_scores(told.take(fitted.fit), no_answer[fitted.fit])["best_f1"])
    assert squad_scores(told.take(fitted.fit), no_answer[fitted.fit], fitted.threshold)["f1"] == fitted.f1


def test_where_every_answer_is_right_nothing_goes_unanswered():
    told = score_answers(["x"] * 10, [["x"]] * 10)
    fitted = fit_threshold(told, np.linspace(0, 0.9, 10), [""] * 10)
    assert (fitted.threshold, fitted.f1) == (1.0, 100)
