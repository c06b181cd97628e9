"""Occlusion of functions that are rules, so that what each word adds is known."""

import math

import pytest
from service_stub import ODDS, classify

from bert_finetune_kit import DataError, Prediction
from bert_finetune_kit.inference.explanation import Stopped
from bert_finetune_kit.inference.occlusion import log_odds, occlude
from bert_finetune_kit.inference.words import word_spans

RATIO = math.log(ODDS)


def values(explanation):
    return [(word.text, word.part, pytest.approx(word.value, abs=1e-9)) for word in explanation.words]


def test_each_word_adds_what_the_rule_says():
    found = occlude(("Good soup, bad bread: good.",), classify)
    # The rule knows "good" and not "good.", which is what the full stop takes away.
    expected = {"Good": RATIO, "soup": 0, ",": 0, "bad": -RATIO, "bread": 0, ":": 0, "good": 0, ".": -RATIO}
    assert values(found) == [(text, 0, value) for text, value in expected.items()]
    assert (found.label, found.method, found.completeness_error) == ("good", "occlusion", None)
    assert found.output == pytest.approx(0)


def test_another_label_has_the_opposite_values():
    found = occlude(("good soup",), classify, "bad")
    assert values(found) == [("good", 0, -RATIO), ("soup", 0, 0)]


def test_words_of_both_texts_of_a_pair():
    found = occlude(("good soup", "a bad day"), classify)
    assert values(found) == [("good", 0, RATIO), ("soup", 0, 0), ("a", 1, 0), ("bad", 1, -RATIO), ("day", 1, 0)]
    assert [(word.start, word.end) for word in found.words] == [(0, 4), (5, 9), (0, 1), (2, 5), (6, 9)]


def test_a_number_and_several_labels():
    def count(texts):
        return [Prediction(float(len(text.split())), float(len(text.split())), {}) for text in texts]

    found = occlude(("one two three",), count)
    assert (found.label, [word.value for word in found.words]) == (None, [1.0, 1.0, 1.0])
    several = Prediction(("a",), 0.75, {"a": 0.75, "b": 0.5})
    assert log_odds(several, "a") == pytest.approx(math.log(3))
    assert occlude(("one two",), lambda texts: [several] * len(texts)).label == "a"


def test_probabilities_of_0_and_1_are_no_error():
    sure = Prediction("a", 1.0, {"a": 1.0, "b": 0.0})
    assert math.isfinite(log_odds(sure, "a"))
    assert log_odds(sure, "b") == -log_odds(sure, "a")


@pytest.mark.parametrize("texts", [("good",), ("good soup", "bad"), ("",)])
def test_a_single_word_is_refused(texts):
    with pytest.raises(DataError, match="needs two words or more"):
        occlude(texts, classify)


def test_a_label_that_there_is_not():
    with pytest.raises(DataError, match="no label 'great' to explain: the labels are bad, good"):
        occlude(("good soup",), classify, "great")


def test_it_can_be_stopped():
    calls = []

    def predict(texts):
        calls.append(len(texts))
        return classify(texts)

    with pytest.raises(Stopped):
        occlude(("a b c d e",), predict, batch_size=2, stop=lambda: len(calls) == 2)
    assert calls == [2, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  well-known, isn't it?!", ["well", "-", "known", ",", "isn't", "it", "?!"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("日本語 ok", ["日", "本", "語", "ok"]),
        ("a\u200bb\n", ["a", "b"]),
        ("\u200b", ["\u200b"]),
    ],
)
def test_words(text, words):
    assert [text[start:end] for start, end in word_spans(text)] == words
