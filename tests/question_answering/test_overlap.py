"""METEOR, BLEU and ROUGE against figures worked out by hand."""

import math

import pytest

from bert_finetune_kit.question_answering import overlap
from bert_finetune_kit.question_answering.overlap import OVERLAP, bleu, meteor, overlap_scores, rouge


class NoSynonyms:
    """Stands in for WordNet, which is not on every machine."""

    def synsets(self, word):
        return []


def test_meteor_of_a_perfect_answer_depends_on_its_length():
    """1 - 0.5 (chunks / words)³: one chunk, so 0.5 for one word."""
    for words in (1, 2, 5):
        text = " ".join("abcde"[:words])
        assert meteor([text], [[text]], NoSynonyms()) == pytest.approx(100 * (1 - 0.5 / words**3))
    assert meteor(["", "mill"], [["mill"], ["noon", "the mill"]], NoSynonyms()) == pytest.approx(
        100 * (0 + 0.5 * (0.5 / (0.9 * 1 + 0.1 * 0.5))) / 2
    )


def test_rouge_compares_with_the_closest_answer():
    scores = rouge(["old town hall", ""], [["mill", "the town hall"], ["six"]])
    two_of_three = pytest.approx(100 * (2 / 3) / 2)
    assert scores == {"rouge1": two_of_three, "rouge2": pytest.approx(25.0), "rougeL": two_of_three}
    assert rouge(["the mill opens"], [["the mills opened"]])["rouge2"] == 100  # of word stems


def test_bleu_and_its_length_ratio():
    words = "one two three four five"
    assert bleu([words], [[words]])["bleu"] == pytest.approx(100)
    scores = bleu([words, "six"], [["one two three four", words], ["six"]])  # different numbers of answers
    assert scores["bleu"] == pytest.approx(100)
    assert scores["bleu_length_ratio"] == 1
    short = bleu(["one two three four"], [["one two three four five six seven eight"]])
    assert short == {"bleu": pytest.approx(100 * math.exp(1 - 8 / 4)), "bleu_1": 100, "bleu_length_ratio": 0.5}
    assert bleu(["", ""], [["a"], ["b"]])["bleu"] == 0


def test_no_question_with_an_answer():
    scores, notes = overlap_scores([], [])
    assert scores == {}
    assert "No scored question has an answer" in notes[0]


def test_without_wordnet_only_meteor_is_skipped(monkeypatch):
    monkeypatch.setattr(overlap, "find_wordnet", lambda: None)
    scores, notes = overlap_scores(["mill"], [["mill"]])
    assert set(scores) == set(OVERLAP) - {"meteor"}
    assert "METEOR was skipped" in notes[0]
    assert "nltk.downloader wordnet" in notes[0]
    monkeypatch.setattr(overlap, "find_wordnet", NoSynonyms)
    scores, notes = overlap_scores(["mill"], [["mill"]])
    assert (set(scores), scores["meteor"], notes) == (set(OVERLAP), 50, [])


class Damaged(NoSynonyms):
    """A WordNet of which a file is missing, which shows at the first look-up."""

    def synsets(self, word):
        raise OSError("No such file or directory: 'index.sense'")


def test_with_a_damaged_wordnet_only_meteor_is_skipped(monkeypatch):
    monkeypatch.setattr(overlap, "find_wordnet", Damaged)
    scores, (note,) = overlap_scores(["the mill"], [["a windmill"]])
    assert set(scores) == set(OVERLAP) - {"meteor"}
    assert "METEOR was skipped" in note
    assert "cannot be read (OSError: No such file or directory: 'index.sense')" in note
    assert "nltk.downloader wordnet" in note
    assert "evaluate()" in note


@pytest.mark.parametrize(
    ("name", "scores"),
    [
        ("meteor", {"meteor"}),
        ("bleu", {"bleu", "bleu_1", "bleu_length_ratio"}),
        ("rouge", {"rouge1", "rouge2", "rougeL"}),
    ],
)
@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'x'"), ZeroDivisionError("no words")])
@pytest.mark.optional_failure
def test_each_score_fails_by_itself(monkeypatch, name, scores, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(overlap, "find_wordnet", NoSynonyms)
    monkeypatch.setattr(overlap, name, fail)
    computed, (note,) = overlap_scores(["mill"], [["mill"]])
    assert set(computed) == set(OVERLAP) - scores
    assert note.startswith(f"{name.upper()} was skipped: ")
    assert f"{type(error).__name__}: {error}" in note
    assert "To have it later without training" in note
