"""Prediction files against the figures of the report."""

import json

import numpy as np
import pytest

from bert_finetune_kit.question_answering.metrics import score_answers, squad_scores
from bert_finetune_kit.question_answering.predict import write_predictions
from bert_finetune_kit.question_answering.predictions import to_answers


def test_prediction_files_reproduce_the_report_with_the_official_script(toy, tmp_path):
    predictions = toy.predict(np.where(toy.has_answer, -1, 1) + np.random.default_rng(0).normal(size=400))
    result, ids = toy.evaluate(predictions), toy.rows["id"][:]
    write_predictions(predictions, result.abstains, ids, tmp_path)
    files = {file.stem: json.loads(file.read_text("utf-8")) for file in (tmp_path / "predictions").iterdir()}
    answers = [files["predictions"][question] for question in ids]
    assert [not text for text in answers] == result.abstains.tolist()
    best_spans = [files["best_spans"][question] for question in ids]
    assert best_spans == ["six"] * len(ids)
    no_answer = np.array([files["na_prob"][question] for question in ids])
    assert no_answer == pytest.approx(result.no_answer)
    scored = score_answers(best_spans, toy.references)
    assert squad_scores(scored, no_answer, result.threshold) == result.official
    at_threshold = squad_scores(score_answers(answers, toy.references))
    assert at_threshold == {name: result.official[name] for name in at_threshold}
    n_best = files["nbest_predictions"]["0"]
    assert [span["text"] for span in n_best if span["text"]] == ["six", "mill"]
    assert sum(span["probability"] for span in n_best) == pytest.approx(1, abs=1e-5)


def test_an_answer_has_its_place_and_its_probability_or_abstains(toy):
    answers = to_answers(toy.predict(np.where(toy.has_answer, -3, 3)), threshold=0.5)
    assert [answer.text is None for answer in answers] == (~toy.has_answer).tolist()
    scores = np.exp([0.0, -1.0, -3.0])
    answered = answers[int(np.flatnonzero(toy.has_answer)[0])]
    assert toy.context[answered.start : answered.end] == answered.text == "six"
    assert answered.score == pytest.approx(scores[0] / scores.sum())
    assert [text for text, _ in answered.n_best] == ["six", "mill"]
    abstained = answers[int(np.flatnonzero(~toy.has_answer)[0])]
    assert (abstained.start, abstained.end) == (None, None)
    assert abstained.no_answer == pytest.approx(1 / (1 + np.exp(-3)))
