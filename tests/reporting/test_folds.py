"""The summary of a cross-validation: what can be pooled is, and what cannot has a mean alone."""

import pytest

from bert_finetune_kit import RunReport, Score
from bert_finetune_kit.reporting.folds import FoldsOrigin, summarize_folds

GLOSSARY = [
    Score("accuracy", "accuracy", ".1%", "share predicted correctly"),
    Score("f1", "F1", ".1%", "F1 of the second label"),
    Score("loss", "loss", ".3f", "cross-entropy", lower_is_better=True),
]
ORIGIN = FoldsOrigin("reviews.csv", "example", "stratified by label", False, "", 0, ("a note on the data",))


def report(result, train=None, scored=None, **settings):
    data = {"train": {"examples": train}} if train else {"test": {"examples": scored}}
    return RunReport(
        recipe="classification", summary=[], scores=[], result=result, baselines={"majority": {"accuracy": 0.5}},
        glossary=GLOSSARY, data=data, history=[], parameters={"name": "Toy", "total": 1, "trainable": 1, "tied": 0},
        settings={"source": {"name": "reviews.csv, fold 1 of 2"}}, timings={}, finished="2026-11-26T12:52:10+00:00",
        **settings,
    )  # fmt: skip


def summarize(results, pooled, intervals, origin=ORIGIN):
    runs = [report({}, train=90 + number) for number in range(len(results))]
    return summarize_folds(origin, runs, [report(result, scored=10) for result in results], pooled, intervals)


TWO = [{"accuracy": 0.8, "f1": 0.75, "loss": 0.5}, {"accuracy": 0.9, "f1": "nan", "loss": 0.7}]


def test_pooled_scores_stand_beside_mean_and_standard_deviation():
    summary = summarize(TWO, {"accuracy": 0.85, "f1": 0.8}, {"accuracy": (0.7, 0.95)})
    assert summary.header == [
        "score", "all predictions", "95% interval", "mean ± std of the folds", "majority baseline"
    ]  # fmt: skip
    assert summary.rows == [
        ["accuracy", "85.0%", "70.0% to 95.0%", "85.0% ± 7.1%", "50.0%"],
        ["F1", "80.0%", "", "", ""],  # undefined in one of the folds
        ["loss", "", "", "0.600 ± 0.141", ""],  # not to be computed from the predictions
    ]
    assert summary.fold_rows == [["1", "90", "10", "80.0%", "75.0%", "0.500"], ["2", "91", "10", "90.0%", "–", "0.700"]]
    assert (summary.mean, summary.std) == (
        {"accuracy": pytest.approx(0.85), "loss": pytest.approx(0.6)},
        {"accuracy": pytest.approx(0.05 * 2**0.5), "loss": pytest.approx(0.1 * 2**0.5)},
    )
    assert (
        "each of the 20 examples was predicted once, by a model that was trained on 90 to 91 others"
        in summary.summary[0]
    )
    assert summary.summary[1] == "All predictions together: accuracy 85.0% (95% interval 70.0% to 95.0%)."
    assert summary.title == "Classification on reviews.csv"


def test_without_pooled_scores_there_are_means_alone():
    summary = summarize(TWO, {}, {})
    assert summary.header == ["score", "mean ± std of the folds", "majority baseline"]
    assert [row[0] for row in summary.rows] == ["accuracy", "loss"]
    assert not any("interval" in note for note in summary.notes)
    assert summary.to_html()


def test_notes_say_what_the_interval_covers():
    single = summarize(TWO, {"accuracy": 0.85}, {"accuracy": (0.7, 0.95)})
    assert "the intervals cover the choice of the 20 examples, and not what other training data" in single.notes[0]
    assert any("Bengio and Grandvalet 2004" in note for note in single.notes)
    assert any("holds some of its training examples out" in note for note in single.notes)
    assert single.notes[-1] == "a note on the data"
    origin = FoldsOrigin("squad", "question", "by whole articles", True, "article", 7, ())
    grouped = summarize(TWO, {"accuracy": 0.85}, {"accuracy": (0.7, 0.95)}, origin)
    assert "drawn as 7 whole articles" in grouped.notes[0]
    assert "an interval over 7 articles is uncertain itself" in grouped.notes[1]
    assert any("the validation split is no part of the folds" in note for note in grouped.notes)


def test_the_page_has_a_chart_for_each_score_and_the_report_of_each_fold():
    summary = summarize(TWO, {"accuracy": 0.85, "f1": 0.8}, {"accuracy": (0.7, 0.95)})
    page = summary.to_html()
    assert "Classification on reviews.csv, 2 folds</h1>" in page
    assert page.count("<figure") == 3
    assert 'href="fold-2/evaluation/report.html"' in page
    assert "26 November 2026" in page
    assert summary._repr_html_().startswith("<iframe")


def test_scores_that_are_no_better_than_a_baseline_are_named():
    notes = summarize(TWO, {"accuracy": 0.85}, {"accuracy": (0.5, 0.95)}).notes
    said = "accuracy 85.0% (95% interval 50.0% to 95.0%) is not shown to be better than the majority baseline, 50.0%"
    assert notes[0] == said
    better = summarize(TWO, {"accuracy": 0.85}, {"accuracy": (0.51, 0.95)}).notes
    assert not any("is not shown to be better" in note for note in better)


def test_errors_of_numbers_are_in_the_tables_of_a_regression():
    """They are no declared scores, which are correlations."""
    results = [{"accuracy": 0.5, "mse": 0.5, "mae": 0.25}, {"accuracy": 0.5, "mse": 0.7, "mae": 0.75}]
    summary = summarize(results, {"accuracy": 0.5, "mse": 0.6, "mae": 0.5}, {"mse": (0.4, 0.8)})
    assert ["MSE", "0.6000", "0.4000 to 0.8000", "0.6000 ± 0.1414", ""] in summary.rows
    assert summary.fold_header[-2:] == ["MSE", "MAE"]
    assert summary.fold_rows[1][-2:] == ["0.7000", "0.7500"]
    assert "The dotted line is at the score of all predictions" in summary.to_html()
