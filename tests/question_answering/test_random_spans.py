"""Spans at random places, which a model that has learnt to find answers must beat."""

import numpy as np
import pytest

from bert_finetune_kit.question_answering.metrics import AnswerScores
from bert_finetune_kit.question_answering.random_spans import answer_evidence, random_span_f1

CONTEXT = "red green blue black white"


def test_spans_of_one_word_are_right_as_often_as_there_are_words():
    assert random_span_f1([CONTEXT] * 20, [["blue"]] * 20) == pytest.approx(20, abs=3)
    assert random_span_f1([CONTEXT] * 20, [["blue", "red"]] * 20) == pytest.approx(40, abs=4)
    assert random_span_f1([CONTEXT] * 20, [["yellow"]] * 20) == 0


def test_spans_have_the_lengths_of_answers():
    """Of five words, two in a row share (0, 1, 2, 1) words with the second and third."""
    assert random_span_f1([CONTEXT] * 20, [["green blue"]] * 20) == pytest.approx(100 * (0.5 + 1 + 0.5) / 4, abs=4)
    assert random_span_f1(["red"], [["red blue green"]]) == pytest.approx(50)  # the context is shorter
    assert random_span_f1([CONTEXT], [[""]]) == 0


def test_the_evidence_is_of_answerable_questions():
    f1, answerable = np.array([1.0, 0.5, 0.0, 1.0]), np.array([True, True, True, False])
    answers = AnswerScores(f1, f1, answerable, np.ones(4, bool))
    evidence = answer_evidence(answers, [CONTEXT] * 4, [["red"], ["green"], ["blue"], []])
    assert (evidence["answers_f1"], evidence["answers_scored"]) == (50, 3)
    low, high = evidence["answers_f1_interval"]
    assert 0 <= low < 50 < high <= 100
    assert evidence["random_span_f1"] == pytest.approx(20, abs=3)
    assert answer_evidence(AnswerScores(f1, f1, ~answerable & (f1 < 0), answerable), [CONTEXT] * 4, [[]] * 4) == {}
