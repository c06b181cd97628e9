"""Saved predictions of another run, or with fields that no run writes, in the folder of a run to compare."""

import json
import warnings
from dataclasses import replace

import pytest

from bert_finetune_kit import OutputError, compare_reports
from bert_finetune_kit.reporting.known_scores import KNOWN_SCORES
from bert_finetune_kit.reporting.paired_runs import own_scores
from bert_finetune_kit.reporting.prediction_rows import row_check
from bert_finetune_kit.reporting.predictions import read_predictions, write_predictions

LABELS = ["bad", "good"]


def rows_of(wrong, labels=LABELS, text="text", count=60):
    """Return predictions of two labels, the first `wrong` of them wrong."""
    return [
        {"split": "validation", "row": row, "text_hash": f"{text} {row}", "reference": labels[row % 2],
         "prediction": labels[(row + (row < wrong)) % 2],
         "probabilities": {labels[(row + (row < wrong)) % 2]: 0.75, labels[(row + (row >= wrong)) % 2]: 0.25},
         "loss": 1.5 if row < wrong else 0.25}
        for row in range(count)
    ]  # fmt: skip


@pytest.fixture
def runs(full_report, tmp_path):
    """Return the folders of two runs on the same examples, b far better than a."""
    for name, wrong in (("a", 40), ("b", 6)):
        rows = rows_of(wrong)
        scores = own_scores("classification", rows)
        share = scores["accuracy"]
        report = replace(
            full_report, result={key: scores[key] for key in ("accuracy", "f1", "loss")}, baselines={},
            intervals={"accuracy": [share - 0.1, share + 0.1]},
            glossary=[KNOWN_SCORES["classification"][key] for key in ("accuracy", "f1", "loss")],
            data={"train": {}, "validation": {"examples": 60}},
            settings={**full_report.settings, "task": {"kind": "single_label", "labels": LABELS}},
        )  # fmt: skip
        (tmp_path / name).mkdir()
        report.save(tmp_path / name)
        write_predictions(rows, tmp_path / name)
    return tmp_path / "a", tmp_path / "b"


NUMBERS = [
    {"split": "validation", "row": row, "text_hash": f"text {row}", "reference": 1.0, "prediction": 2.0, "loss": 1.0}
    for row in range(60)
]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (rows_of(20, text="other"), "gives another accuracy, F1, loss than its report, and is not of the"),
        (rows_of(20, ["negative", "positive"]), 'in line 1, reference is "negative", none of the labels bad, good'),
        (NUMBERS, "in line 1, probabilities is missing"),
        ([dict(row, prediction=None, probabilities=None, loss=None) for row in rows_of(6)],
         "predictions.jsonl of b has no usable predictions"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("reverse", [False, True])
def test_predictions_that_contradict_the_report_do_not_refuse_a_comparison(runs, rows, reason, reverse):
    write_predictions(rows, runs[1])
    found = compare_reports(*(runs[::-1] if reverse else runs))
    (difference,) = found.differences
    assert difference.comparable
    assert difference.p_value is None
    assert difference.interval is not None
    assert "significant, b is better" in found.verdict[0]
    (told,) = [sentence for sentence in found.verdict if reason in sentence]
    assert told.startswith("Compared by intervals alone, which is less exact: ")
    assert "lines are missing" not in told


def test_other_texts_refuse_only_where_the_score_is_that_of_the_report(runs):
    """Predictions of another run that has the same loss by chance; and those of this run, on other texts."""
    rows = [dict(row, loss=old["loss"]) for row, old in zip(rows_of(20, text="other"), rows_of(6), strict=True)]
    write_predictions(rows, runs[1])
    found = compare_reports(*runs)
    assert found.differences[0].comparable
    assert found.verdict[-1] == (
        "Compared by intervals alone, which is less exact: predictions.jsonl of b gives another accuracy, F1 than its "
        "report."
    )
    write_predictions(rows_of(6, text="other"), runs[1])
    assert not compare_reports(*runs).differences[0].comparable


def test_a_loss_that_is_missing_is_not_used_alone(runs):
    write_predictions([dict(row, loss=None) for row in rows_of(6)], runs[1])
    found = compare_reports(*runs)
    assert found.differences[0].p_value is not None
    assert "McNemar's test" in found.verdict[0]
    assert found.verdict[-1] == (
        "Saved predictions are not used for the loss: predictions.jsonl of b gives another loss than its report."
    )


def test_a_line_that_is_cut_is_named_by_its_number(runs):
    file = runs[1] / "predictions.jsonl"
    file.write_bytes(b"\n" + file.read_bytes()[:-40])
    with pytest.raises(OutputError, match=r"cannot be read: line 61 is not JSON \(column \d+: "):
        read_predictions(runs[1])
    file.write_text('{"text_hash": "1"}\n\n[1]\n')
    with pytest.raises(OutputError, match="line 3 is not the prediction of an example"):
        read_predictions(runs[1])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prediction": "zzz"}, 'prediction is "zzz", none of the labels bad, good'),
        ({"prediction": ["bad"]}, 'prediction is ["bad"], not a label'),
        ({"reference": None}, "reference is null, none of the labels"),
        ({"probabilities": {"bad": float("nan"), "good": 0.5}}, "the probability of bad is NaN, not a finite number"),
        ({"probabilities": {"bad": 1.0}}, 'probabilities is {"bad": 1.0}, and the labels are bad, good'),
        ({"probabilities": None}, "probabilities is null, not a number for each label"),
        ({"loss": "x"}, 'loss is "x", not a number'),
        ({"group": [1]}, "group is [1], not a name"),
    ],
)
def test_a_field_that_no_run_writes_is_told_in_words(runs, changes, told):
    rows = rows_of(6)
    rows[2] |= changes
    (runs[1] / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sentence = compare_reports(*runs).verdict[-1]
    assert f"predictions.jsonl is of another form than its report: in line 3, {told}" in sentence
    assert "Error" not in sentence


@pytest.mark.parametrize(
    ("recipe", "task", "row", "fault"),
    [
        ("classification", {"kind": "multi_label", "labels": ["x", "y"]},
         {"reference": ["x"], "prediction": [], "loss": 0.5, "probabilities": {"x": 0.1, "y": 0.2}}, ""),
        ("classification", {"kind": "multi_label", "labels": ["x", "y"]},
         {"reference": "x", "prediction": [], "loss": 0.5, "probabilities": {"x": 0.1, "y": 0.2}},
         'reference is "x", not a list of labels'),
        ("classification", {"kind": "regression"}, {"reference": 1.0, "prediction": 2.0, "loss": 1.0}, ""),
        ("classification", {"kind": "regression"}, {"reference": 1.0, "prediction": "good", "loss": 1.0},
         'prediction is "good", not a number'),
        ("classification", {}, {"reference": "x", "prediction": "x", "loss": 0.5, "probabilities": {"x": 1.0}}, ""),
        ("question_answering", {}, {"reference": [], "exact": 1.0, "f1": 1.0, "loss": None}, ""),
        ("question_answering", {}, {"reference": [], "exact": 1.0, "f1": None}, "f1 is null, not a number"),
        ("pretraining", {}, {"mlm_loss": "nan", "mlm_count": 3, "mlm_correct": 1.0}, ""),
        ("pretraining", {}, {"mlm_loss": 1.0, "mlm_count": 3, "mlm_correct": 1.0, "pair_loss": 0.5},
         "pair_correct is missing"),
    ],
)  # fmt: skip
def test_fields_of_every_recipe(full_report, recipe, task, row, fault):
    assert row_check(replace(full_report, recipe=recipe, settings={"task": task}))(row) == fault
