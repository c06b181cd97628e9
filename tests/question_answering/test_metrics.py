"""Scores against figures computed by hand and properties of the official script."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_finetune_kit.question_answering.metrics import (
    best_threshold,
    exact_match,
    f1_score,
    normalize_answer,
    score_answers,
    squad_scores,
    with_threshold,
)

PREDICTIONS = ["the town hall", "", "six", "Ghent"]
REFERENCES = [["Town Hall of Ghent", "hall"], ["noon"], [], []]


@pytest.mark.parametrize(
    ("text", "normalized"),
    [("The  U.S. Army!", "us army"), ("an apple a day", "apple day"), ("the", ""), ("Theatre", "theatre"), ("…", "…")],
)
def test_normalization(text, normalized):
    assert normalize_answer(text) == normalized


def test_f1_of_words():
    assert f1_score("the old town hall", "town hall of Ghent") == pytest.approx(4 / 7)
    assert f1_score("b b c", "c c b") == pytest.approx(2 / 3)  # one b and one c are shared
    assert (f1_score("", ""), f1_score("", "x"), f1_score("the", "")) == (1, 0, 1)
    assert exact_match("The hall.", "hall") == 1


def test_scores_computed_by_hand():
    answers = score_answers(PREDICTIONS, REFERENCES)
    assert answers.exact.tolist() == [0, 0, 0, 0]
    assert answers.f1.tolist() == pytest.approx([2 / 3, 0, 0, 0])
    scores = squad_scores(answers)
    assert scores["f1"] == pytest.approx(100 / 6)
    assert (scores["HasAns_f1"], scores["NoAns_exact"]) == (pytest.approx(100 / 3), 0)
    assert (scores["total"], scores["HasAns_total"], scores["NoAns_total"]) == (4, 2, 2)
    assert not any(name.startswith("best") for name in scores)


def test_always_abstaining_scores_the_share_of_unanswerable_questions():
    scores = squad_scores(score_answers([""] * 4, REFERENCES), no_answer=np.ones(4))
    assert (scores["exact"], scores["NoAns_exact"], scores["HasAns_exact"]) == (50, 100, 0)
    assert scores["best_exact"] == 50


def test_the_oracle_threshold_is_the_best_of_all_thresholds():
    rng = np.random.default_rng(0)
    references = [["x"] if number % 2 else [] for number in range(60)]
    answers = score_answers([rng.choice(["x", "y", ""]) for _ in references], references)
    no_answer = rng.random(60)
    best, best_at = best_threshold(answers.f1, answers, no_answer)

    def score_at(threshold):
        return 100 * with_threshold(answers.f1, answers, no_answer, threshold).mean()

    assert best == pytest.approx(max(map(score_at, [0.0, *no_answer, 1.0])))
    assert score_at(best_at) == pytest.approx(best)


def test_best_scores_without_probabilities_are_the_share_of_unanswerable_questions():
    """A well-known script passes a probability of 0 for every question, which makes its "best" scores meaningless."""
    scores = squad_scores(score_answers(["wrong"] * 4, REFERENCES), no_answer=np.zeros(4))
    assert scores["best_exact"] == 50
    assert scores["best_exact_thresh"] == 0


@given(st.lists(st.sampled_from("ab the ,."), max_size=8), st.lists(st.sampled_from("ab the ,."), max_size=8))
def test_f1_is_symmetric_and_at_least_exact_match(left_words, right_words):
    left, right = " ".join(left_words), " ".join(right_words)
    assert f1_score(left, right) == pytest.approx(f1_score(right, left))
    assert exact_match(left, right) <= f1_score(left, right) <= 1


def official_figures(predictions, references, no_answer, limit):
    """The procedure of evaluate-v2.0.py step by step: dicts by question, one threshold after the other."""
    ids = range(len(predictions))
    golds = {n: [text for text in references[n] if normalize_answer(text)] or [""] for n in ids}
    raw = {
        name: {n: max(score(gold, predictions[n]) for gold in golds[n]) for n in ids}
        for name, score in (("exact", exact_match), ("f1", f1_score))
    }
    has = {n: bool(references[n]) for n in ids}
    figures = {}
    for name, scores in raw.items():
        kept = {n: float(not has[n]) if no_answer[n] > limit else scores[n] for n in ids}
        figures[name] = 100.0 * sum(kept.values()) / len(kept)
        for prefix, kind in (("HasAns", True), ("NoAns", False)):
            of_kind = [kept[n] for n in ids if has[n] is kind]
            if of_kind:
                figures[f"{prefix}_{name}"] = 100.0 * sum(of_kind) / len(of_kind)
                figures[f"{prefix}_total"] = len(of_kind)
        current = best = sum(1 for n in ids if not has[n])
        best_thresh = 0.0
        for n in sorted(no_answer, key=lambda n: no_answer[n]):
            current += scores[n] if has[n] else -1 if predictions[n] else 0
            if current > best:
                best, best_thresh = current, no_answer[n]
        figures[f"best_{name}"] = 100.0 * best / len(scores)
        figures[f"best_{name}_thresh"] = best_thresh
    return figures | {"total": len(predictions)}


@given(st.integers(0, 100_000), st.integers(1, 40), st.sampled_from([0.0, 0.3, 1.0]))
def test_scores_equal_those_of_the_official_procedure_to_the_last_digit(seed, count, kind):
    rng = np.random.default_rng(seed)
    words = ["the", "mill", "of", "Ghent", "six", "…"]
    texts = [" ".join(rng.choice(words, rng.integers(0, 5))) for _ in range(count)]
    references = [
        [" ".join(rng.choice(words, rng.integers(1, 4))) for _ in range(rng.integers(1, 4))]
        if rng.random() < kind
        else []
        for _ in range(count)
    ]
    no_answer = np.round(rng.random(count), 2)
    expected = official_figures(texts, references, dict(enumerate(no_answer.tolist())), 0.4)
    assert squad_scores(score_answers(texts, references), no_answer, 0.4) == expected
