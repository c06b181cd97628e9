"""What the plots show, read from the text and the elements of their SVG."""

import itertools
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from bert_finetune_kit.calibration.reliability import binary_judgement
from bert_finetune_kit.reporting.calibration_plots import calibration_diagrams
from bert_finetune_kit.reporting.curve_plots import learning_rate_curve, loss_curve
from bert_finetune_kit.reporting.dot_plots import ComparedScore, dot_plots
from bert_finetune_kit.reporting.group_plots import group_plots
from bert_finetune_kit.reporting.html import to_html
from bert_finetune_kit.reporting.label_plots import confusion_matrices, label_shares, scores_by_label
from bert_finetune_kit.reporting.probability_plots import probability_ticks, reliability_diagrams
from bert_finetune_kit.reporting.scatter_plots import scatter_plots
from bert_finetune_kit.reporting.schema import ReportTable

TEXT = "{http://www.w3.org/2000/svg}text"


def texts(plot):
    return [element.text for element in ElementTree.fromstring(plot.svg).iter(TEXT)]


def classification(report, labels, **details):
    """Give a report the details of one split with these labels, where each is predicted as the next one once."""
    names = [f"level {number}" for number in range(labels)]
    confusion = [
        [3 * (row == column) + ((row + 1) % labels == column) for column in range(labels)] for row in range(labels)
    ]
    scores = {"precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 4.0, "predicted": 4.0}
    report.details = {
        "validation": {
            "examples": 4 * labels, "scores": {}, "intervals": {}, "baseline": {}, "worst_errors": [],
            "by_label": dict.fromkeys(names, scores), "confusion": confusion, **details,
        }
    }  # fmt: skip
    report.data = {"train": {"label_shares": dict.fromkeys(names, 1 / labels)}}
    return report


def test_a_confusion_matrix_of_25_labels_has_its_counts(full_report):
    (plot,) = confusion_matrices(classification(full_report, 25))
    assert plot.is_wide
    assert texts(plot).count("3") == texts(plot).count("1") == 25
    assert {"level 0", "level 24"} <= set(texts(plot))


def test_a_confusion_matrix_of_100_labels_is_drawn_without_counts_and_is_small(full_report):
    (plot,) = confusion_matrices(classification(full_report, 100))
    assert "3" not in texts(plot)
    assert texts(plot).count("level 99") == 2
    assert len(plot.svg) < 150_000
    assert confusion_matrices(classification(full_report, 101)) == []


def test_many_labels_have_rows_of_their_own(full_report):
    report = classification(full_report, 25)
    (scores,), shares = scores_by_label(report), label_shares(report)
    for plot in (scores, shares):
        assert [text for text in texts(plot) if text.startswith("level")] == [f"level {n}" for n in range(25)]
    assert scores_by_label(classification(full_report, 2)) == []  # a table of two rows says it better


def test_points_of_a_calibration_have_intervals(full_report):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 60)
    side = binary_judgement(confidence, rng.random(60) < confidence)
    judged = {"temperatures": {"labels": 1.5}, "reasons": {}, "fitted_on": 60, "judged_on": 60, "before": side}
    full_report.details = {"validation": {"examples": 120, "scores": {}, "calibration": {**judged, "after": side}}}
    (plot,) = calibration_diagrams(full_report)
    for number in (1, 2):  # before and after
        lines = re.search(rf'<g id="calibration-0-LineCollection_{number}">(.*?)</g>', plot.svg, re.DOTALL)
        assert lines[1].count("<path") == len(side["bins"]) == 6
    assert "its bar is the 95% interval of its accuracy. Over these points, the expected calibration" in plot.caption


def test_bins_of_a_reliability_diagram_have_their_counts(full_report):
    (plot,) = reliability_diagrams(full_report)
    assert {"4", "16"} <= set(texts(plot))


@pytest.mark.parametrize("low", [1e-9, 1e-4, 0.02, 0.3, 0.49, 0.9, 0.9990])
@pytest.mark.parametrize("high", [0.0003, 0.03, 0.5, 0.51, 0.93, 0.9993, 1 - 1e-9])
def test_ticks_of_probabilities_are_exact_and_apart(low, high):
    if high <= low:
        return
    odds = lambda value: math.log(value / (1 - value))  # noqa: E731
    ticks = probability_ticks(low, high)
    assert len(ticks) >= 2
    assert all(float(label) == value and low < value < high for value, label in ticks)
    places = [odds(value) for value, _ in ticks]
    assert all(second - first >= 0.1 * (odds(high) - odds(low)) for first, second in itertools.pairwise(places))


def test_the_scatter_of_a_regression(full_report):
    points = {"points": [(1.0, 1.5), (4.0, 3.0), (2.5, 2.5)]}
    report = classification(full_report, 2, predicted_against_true=points, scores={"pearson": 0.98}, examples=3)
    (plot,) = scatter_plots(report)
    assert plot.caption == "3 examples: Pearson 0.980."
    assert "predicted = true" in texts(plot)
    grid = {"edges": [0.0, 1.0, 2.0], "counts": [[700, 0], [1, 800]]}
    (dense,) = scatter_plots(classification(full_report, 2, predicted_against_true=grid, examples=1501))
    assert "most: 800 examples" in texts(dense)
    assert len(re.findall("<use [^>]*--plot-1", plot.svg)) == 3
    assert len(re.findall("<use [^>]*--plot-1", dense.svg)) == 0


def test_a_single_log_is_a_point(full_report):
    full_report.history = full_report.history[:1]
    full_report.scores = []
    plot = loss_curve(full_report)
    assert "<use " in plot.svg.split("line2d")[-1] or plot.svg.count("<use ") > 1
    full_report.history = []
    assert loss_curve(full_report) is None


def test_the_peak_of_the_learning_rate_is_drawn_where_logs_miss_it(full_report):
    full_report.history = [{"step": 1, "learning_rate": 0.0}, {"step": 100, "learning_rate": 0.0}]
    full_report.schedule = [{"step": step, "learning_rate": rate} for step, rate in ((1, 0.0), (11, 0.004), (100, 0.0))]
    assert "0.004" in texts(learning_rate_curve(full_report))


def test_groups_of_questions_have_their_counts(full_report):
    group = {"questions": 1200, "exact": 50.0, "f1": 61.25, "answered": 90.0}
    full_report.details = {"groups": {"question word": {"who": group, "when": group}, "words": {"1": group}}}
    (plot,) = group_plots(full_report)  # one group alone is no comparison
    assert plot.title == "By question word"
    assert texts(plot).count("61.2 (1,200)") == 2


def test_names_that_are_alike_where_they_are_cut_show_their_ends():
    names = [f"runs of a day that was very long/{number}" for number in (1, 2)]
    (plot,) = dot_plots(names, [ComparedScore("Accuracy", ".1%", [0.5, 0.6], [None, None])])
    assert all(f"very long/{number}" in plot.svg for number in (1, 2))


def test_runs_side_by_side():
    score = ComparedScore("accuracy", ".1%", [0.8, None, 0.9], [(0.75, 0.85), None, ["nan", 0.95]])
    (plot,) = dot_plots(["a", "b", "c"], [score, ComparedScore("F1", ".1%", [None] * 3, [None] * 3)])
    assert plot.title == "Accuracy"
    assert [text for text in texts(plot) if text in ("a", "b", "c", "80.0%", "90.0%")] == [
        "a",
        "b",
        "c",
        "80.0%",
        "90.0%",
    ]


def test_a_table_that_is_drawn_is_folded_away(full_report):
    report = classification(full_report, 3)
    tables = ("Result", "Confusion, validation")
    report.tables = [ReportTable(title, ["", "predicted"], [["true", "1"]]) for title in tables]
    report.tables.append(ReportTable("Long", ["", "value"], [[str(row), "1"] for row in range(40)]))
    page = to_html(report)
    assert "<h3>Result</h3>" in page
    assert page.count("<b>Confusion, validation</b>") == 1
    assert "<summary>Confusion, validation, as a table</summary>" in page
    assert "<summary>Long</summary>" in page
    assert "<h3>Confusion" not in page
