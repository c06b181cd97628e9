"""Scores of models whose predictions are known: one that is always right, one that guesses, one that never abstains."""

import numpy as np
import pytest

from bert_finetune_kit.question_answering.evaluation import answer_lengths
from bert_finetune_kit.question_answering.intervals import independent_units, score_intervals
from bert_finetune_kit.question_answering.metrics import AnswerScores, squad_scores
from bert_finetune_kit.question_answering.result import EvalResult
from bert_finetune_kit.reporting.statistics.clusters import Units
from bert_finetune_kit.reporting.statistics.shares import wilson


def test_a_model_that_abstains_correctly(toy):
    result = toy.evaluate(toy.predict(np.where(toy.has_answer, -3, 3)))
    assert result.scores["f1"] == result.scores["NoAns_f1"] == 100
    assert 0.05 < result.threshold < 0.95
    assert result.abstains.tolist() == (~toy.has_answer).tolist()
    assert 190 <= result.scores["total"] <= 210
    halves = [
        {title for title, scored in zip(toy.titles, result.scored, strict=True) if scored == half} for half in (0, 1)
    ]
    assert not halves[0] & halves[1]
    assert result.intervals()["exact"][0] < 100


def test_scores_are_of_the_half_that_the_threshold_was_not_fitted_on(toy):
    """A threshold can be fitted to noise; the reported scores must not profit from it."""
    noise = np.random.default_rng(0).normal(size=len(toy.rows))
    result = toy.evaluate(toy.predict(noise, start=4, end=8))  # wrong for every question
    unanswerable = 100 * (~toy.has_answer[result.scored]).mean()
    assert result.no_answer_baseline == pytest.approx(unanswerable)
    assert result.scores["f1"] <= unanswerable
    assert result.epoch_scores()["fit_f1"] == pytest.approx(100 * (~toy.has_answer[~result.scored]).mean(), abs=3)
    expected = squad_scores(result.answers.take(result.scored), result.no_answer[result.scored], result.threshold)
    assert {name: expected[name] for name in result.scores} == result.scores
    assert result.epoch_scores()["best_f1"] == expected["best_f1"]  # of the same questions
    assert result.official["best_f1"] != expected["best_f1"]


def test_a_model_that_never_abstains_is_no_better_than_the_baseline(toy):
    """It answers every question, and scores less than abstaining from all of them unless a threshold is fitted."""
    result = toy.evaluate(toy.predict(-20.0, start=4, end=8))
    unthresholded = squad_scores(result.answers, np.zeros(len(toy.rows)))
    assert unthresholded["f1"] == 0
    assert unthresholded["best_f1"] == pytest.approx(100 * (~toy.has_answer).mean())  # the share without an answer
    assert result.scores["NoAns_f1"] == pytest.approx(100, abs=1)
    assert result.scores["f1"] == pytest.approx(result.no_answer_baseline, abs=1)


def test_overlap_compares_answers_alone(toy):
    """A length ratio far from 1 gives away that whole contexts were compared instead."""
    null = np.where(toy.has_answer, -3, 3)
    overlap = toy.details(toy.predict(null))["overlap"]
    assert overlap["rouge1"] == 100
    assert overlap["bleu_1"] == 100
    assert overlap["bleu_length_ratio"] == pytest.approx(1)
    overlap = toy.details(toy.predict(null, start=0, end=len(toy.context)))["overlap"]
    assert overlap["bleu_length_ratio"] > 3


def test_questions_that_all_have_an_answer_are_scored_as_in_squad_v1(answerable_toy):
    result = answerable_toy.evaluate(answerable_toy.predict(9.0))
    assert result.threshold == 1
    assert not result.abstains.any()
    assert result.scores == {"exact": 100, "f1": 100, "total": 400}
    assert set(result.epoch_scores()) == {"exact", "f1"}


def test_questions_that_all_lack_an_answer_are_scored(unanswerable_toy):
    """There is nothing to compute an overlap with."""
    predictions = unanswerable_toy.predict(3.0)
    assert unanswerable_toy.evaluate(predictions).scores == {"exact": 100, "f1": 100, "total": 400}
    assert unanswerable_toy.details(predictions)["overlap"] == {}


def test_lengths_of_predictions_and_answers(toy):
    """The answers are "six" and "at six", 1.5 words in the mean."""
    predictions = toy.predict(np.where(toy.has_answer, -3, 3), start=18, end=30)  # "opens at six"
    result = toy.evaluate(predictions)
    lengths = answer_lengths(predictions, result, toy.references)
    assert lengths == {
        "answers_compared": int((toy.has_answer & ~result.abstains).sum()),
        "predicted_words": 3,
        "predicted_words_error": 0,
        "answer_words": 1.5,
        "length_ratio": pytest.approx(3 / 2),
    }


def test_one_question_has_no_interval_of_its_f1():
    """A share has one all the same; the F1 of one question says nothing of others."""
    answers = AnswerScores(np.array([0.0]), np.array([0.5]), np.array([True]), np.array([True]))
    result = EvalResult(answers, np.array([0.1]), 1.0, np.array([True]))
    assert set(result.intervals()) == {"exact"}


def test_intervals_are_over_articles(toy):
    """Ten questions of an article are worth less than ten articles; without titles contexts are units."""
    result = toy.evaluate(toy.predict(np.where(toy.has_answer, -1, 1) + np.random.default_rng(0).normal(size=400)))
    assert result.units.name == "articles"
    assert result.units.count == 40
    note = toy.details(toy.predict(np.where(toy.has_answer, -3, 3)))["interval_note"]
    assert note.startswith("The 95% intervals are over 20 articles; with so few, t intervals")
    everything = np.ones(6, bool)
    contexts = ["a", "a", "b", "c", "d", "d"]
    assert independent_units([""] * 6, contexts, everything).name == "contexts"
    assert independent_units(["t"] * 6, contexts, everything).name == "contexts"  # of one article
    assert independent_units(["t"] * 6, ["a"] * 6, everything).name == "questions"
    units = independent_units(list("ttuvww"), contexts, everything)
    assert (units.name, units.count) == ("articles", 4)
    half = np.array([1, 1, 1, 1, 0, 0], bool)
    assert independent_units(list("ttuvww"), contexts, half).name == "questions"


def test_questions_of_an_article_that_are_all_alike_count_once():
    articles = np.repeat(np.arange(40), 10)
    exact = (articles % 4 > 0).astype(float)
    units = Units("articles", articles)
    found = score_intervals({"exact": exact, "f1": exact}, {"": np.ones(400, bool)}, units)["exact"]
    assert found == pytest.approx([100 * end for end in wilson(30, 40)], abs=1.0)
