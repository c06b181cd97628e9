"""Whether the saved predictions of a run are those of its report."""

from dataclasses import replace

import pytest

from bert_finetune_kit import compare_reports
from bert_finetune_kit.reporting.compared_run import open_run, other_count
from bert_finetune_kit.reporting.known_scores import KNOWN_SCORES
from bert_finetune_kit.reporting.predictions import write_predictions


def rows_of(count, split="validation"):
    """Return predictions of which any part has the same scores as the whole."""
    return [
        {"split": split, "row": row, "text_hash": str(row), "reference": "good", "prediction": "good",
         "probabilities": {"bad": 0.25, "good": 0.75}, "loss": 0.25}
        for row in range(count)
    ]  # fmt: skip


@pytest.fixture
def saved(full_report, tmp_path):
    """Return a function that writes a run of 40 examples with so many predictions, and returns its folder."""
    report = replace(
        full_report, result={"accuracy": 1.0}, intervals={"accuracy": [0.9, 1.0]}, baselines={},
        glossary=[KNOWN_SCORES["classification"]["accuracy"]], data={"train": {}, "validation": {"examples": 40}},
        settings={"task": {"kind": "single_label", "labels": ["bad", "good"]}},
    )  # fmt: skip

    def write(name, count):
        (tmp_path / name).mkdir()
        report.save(tmp_path / name)
        write_predictions(rows_of(count), tmp_path / name)
        return tmp_path / name

    write.report = report
    return write


@pytest.mark.parametrize("count", [39, 20, 41])
def test_predictions_of_another_number_than_the_report_are_not_used(saved, count):
    """Also where their scores are those of the report."""
    found = compare_reports(saved("a", 40), saved("b", count))
    assert found.differences[0].p_value is None
    assert (
        f"predictions.jsonl of b has {count} predictions of validation, and its report has scored 40 examples"
        in (found.verdict[-1])
    )
    assert found.verdict[-1].startswith("Saved predictions are not used: ")
    whole = open_run(saved("c", 40), "c", saved.report)
    assert (whole.fault, len(whole.rows)) == ("", 40)


@pytest.mark.parametrize(
    ("changes", "rows", "expected"),
    [
        ({"data": {"m": {"examples": 3}, "mm": {"examples": 2}}}, [*rows_of(3, "m"), *rows_of(2, "mm")], ""),
        ({"data": {"m": {"examples": 3}, "mm": {"examples": 2}}}, rows_of(3, "m"),
         "0 predictions of mm, and its report has scored 2 examples"),
        ({"data": {"out of fold": {"examples": 3, "folds": 2}}}, rows_of(3, "train"), ""),
        ({"data": {"out of fold": {"examples": 3, "folds": 2}}}, rows_of(2, "train"),
         "2 predictions of out of fold, and its report has scored 3 examples"),
        ({"recipe": "question_answering", "data": {"validation": {"questions": 3}}}, rows_of(2),
         "2 predictions of validation, and its report has scored 3 examples"),
        ({"recipe": "pretraining", "data": {"validation": {"documents": 9, "examples_per_epoch": 3}}}, rows_of(3), ""),
        ({"recipe": "pretraining", "data": {"validation": {"examples_per_epoch": 9}}, "scores": [{"phase": 2}]},
         rows_of(3), ""),
        ({"data": {"elsewhere": {"examples": 9}}}, rows_of(3), ""),
        ({"data": {}}, rows_of(3), ""),
    ],
)  # fmt: skip
def test_predictions_are_counted_by_split(full_report, changes, rows, expected):
    assert other_count(replace(full_report, **changes), rows) == expected
