"""Summary and tables of models whose predictions are known."""

import numpy as np
import pytest
from torch import nn

from bert_finetune_kit.question_answering.report import summarize, tables_of


@pytest.fixture(scope="module")
def noisy_details(toy):
    return toy.details(toy.predict(np.where(toy.has_answer, -1, 1) + np.random.default_rng(0).normal(size=400)))


def test_the_summary_compares_with_always_abstaining(toy):
    details = toy.details(toy.predict(-20.0, start=4, end=8))
    text = " ".join(summarize("toy", {"questions": 1, "windows": 1}, nn.Linear(1, 1), 1, details))
    assert f"Always-abstain baseline: {details['no_answer_baseline']:.2f}" in text


def test_best_scores_are_shown_as_upper_bounds_alone(noisy_details):
    """They are among the official figures and in the table that explains them, nowhere else."""
    assert not any(name.startswith("best") for name in noisy_details["scores"])
    assert {"best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"} < set(noisy_details["official"])
    tables = tables_of(noisy_details)
    with_best = [table for table in tables if any("best" in cell for row in table.rows for cell in row)]
    assert [table.title for table in with_best] == ["Oracle"]
    assert "Upper bounds, not scores" in with_best[0].note


def test_the_result_table(noisy_details):
    result = tables_of(noisy_details)[0]
    assert result.header == ["score", "value", "95% interval", "always-abstain baseline", "all questions"]
    cells = {row[0]: row[1:] for row in result.rows}
    f1, baseline = noisy_details["scores"]["f1"], noisy_details["no_answer_baseline"]
    assert cells["F1"][0] == f"{f1:.2f}"
    assert cells["F1"][2] == f"{baseline:.2f}"
    assert cells["F1"][3] == f"{noisy_details['official']['f1']:.2f}"
    assert cells["F1, without answer"][2] == "100.00"


def test_tables_where_all_questions_have_an_answer(answerable_toy):
    tables = tables_of(answerable_toy.details(answerable_toy.predict(9.0)))
    assert [table.title for table in tables][:2] == ["Result", "Overlap with the answers"]


def test_tables_where_no_question_has_an_answer(unanswerable_toy):
    tables = {table.title: table for table in tables_of(unanswerable_toy.details(unanswerable_toy.predict(3.0)))}
    assert tables["Result"].rows[0][1] == "100.00"
    assert tables["Overlap with the answers"].rows == []
