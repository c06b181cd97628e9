"""Scores by kind of question, and the worst errors, of a model whose predictions are known."""

import numpy as np

from bert_finetune_kit.question_answering.breakdown import groups, scores_by_group, worst_errors


def test_scores_by_kind_of_question(toy):
    result = toy.evaluate(toy.predict(np.where(toy.has_answer, -3, 3)))
    kinds = groups(toy.rows["question"][:], toy.rows["context"][:], toy.references)
    by_word = scores_by_group(result.by_question(), ~result.abstains, kinds["question word"])
    assert {name: scores["questions"] for name, scores in by_word.items()} == {
        "when": int(toy.has_answer.sum()), "who": int((~toy.has_answer).sum())
    }  # fmt: skip
    assert (by_word["when"]["answered"], by_word["who"]["answered"]) == (100, 0)
    assert (by_word["when"]["f1"], by_word["who"]["exact"]) == (100, 100)
    assert set(kinds["words of the answer"]) == {"1", "no answer"}
    assert set(kinds["words of the context"]) == {"1 to 100"}


def test_worst_errors_are_those_with_the_highest_probability(toy):
    null = np.random.default_rng(0).normal(size=len(toy.rows))
    predictions = toy.predict(null, start=4, end=8)
    result = toy.evaluate(predictions)
    arguments = result.by_question()["f1"], toy.has_answer, result.abstains, predictions, toy.rows
    errors = worst_errors(*arguments, max_per_kind=3)
    kinds = {error["kind"] for error in errors}
    assert kinds <= {
        "answered an unanswerable question", "wrong answer", "abstained from an answerable question"
    }  # fmt: skip
    abstained = [error for error in errors if error["kind"] == "abstained from an answerable question"]
    assert len(abstained) == 3
    highest = null[result.abstains & toy.has_answer].max()
    assert abstained[0]["id"] == str(int(np.flatnonzero(null == highest)[0]))
    assert [error["probability"] for error in abstained] == sorted(
        (error["probability"] for error in abstained), reverse=True
    )
