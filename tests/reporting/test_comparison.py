import io
import math
from dataclasses import replace

import pytest
from rich.console import Console

from bert_finetune_kit import ConfigError, OutputError, compare_reports
from bert_finetune_kit.reporting.comparison import difference_interval
from bert_finetune_kit.reporting.intervals import wilson


def other(report, accuracy, interval=None, **changes):
    values = {"result": report.result | {"accuracy": accuracy}, "intervals": {"accuracy": interval} if interval else {}}
    return replace(report, **(values | changes))


@pytest.mark.parametrize(
    ("first", "second", "published"),
    [
        ((48, 80), (56, 70), (0.0524, 0.3339)),
        ((3, 10), (9, 10), (0.1705, 0.8090)),
        ((0, 29), (5, 56), (-0.0381, 0.1926)),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_paper(first, second, published):
    """Newcombe (1998), Statistics in Medicine 17, table II, method 10."""
    shares = [right / total for right, total in (first, second)]
    found = difference_interval(shares[0], wilson(*first), shares[1], wilson(*second))
    assert found == pytest.approx(published, abs=6e-5)


def test_a_difference_beyond_the_intervals(full_report):
    better = other(full_report, 0.95, [0.92, 0.97], settings={"training": {"seed": 2, "output_dir": "elsewhere"}})
    found = compare_reports(full_report, better, names=["small", "large"])
    (difference,) = found.differences
    assert difference.value == pytest.approx(0.15)
    low = 0.15 - math.hypot(0.95 - 0.92, 0.88 - 0.8)
    assert difference.interval[0] == pytest.approx(low)
    assert difference.is_beyond
    assert "+15.0 points (95% interval +6.5 points to +25.2 points)" in found.verdict[0]
    assert found.verdict[0].endswith("large is better.")
    text = found.to_markdown()
    assert "| accuracy | 80.0% (70.0% to 88.0%) | 95.0% (92.0% to 97.0%) |" in text
    assert "| training: seed | 1 | 2 |" in text
    assert "elsewhere" not in text
    assert "## Data that differ" not in text
    assert "| total | 1,234 | 1,234 |" in text


def test_less_is_better_of_a_loss(full_report):
    report = replace(full_report, glossary=full_report.glossary[1:], intervals={"loss": [0.39, 0.41]})
    found = compare_reports(report, replace(report, result={"loss": 0.5}, intervals={"loss": [0.49, 0.51]}))
    assert found.verdict[0].endswith("run 1 is better.")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accuracy": 0.82, "interval": [0.72, 0.9]}, "it may be chance"),
        ({"accuracy": 0.95}, "without intervals"),
        ({"accuracy": 0.8, "interval": [0.7, 0.9]}, "no difference"),
        ({"accuracy": 0.95, "interval": [0.92, 0.97], "data": {"validation": {"examples": 9}}}, "not comparable"),
        (
            {"accuracy": 0.95, "interval": [0.92, 0.97], "baselines": {"majority": {"accuracy": 0.9}}},
            "not comparable",
        ),
    ],
)
def test_differences_that_prove_nothing(full_report, changes, message):
    found = compare_reports(full_report, other(full_report, **changes))
    assert message in found.verdict[0]
    assert not found.differences[0].is_beyond


def test_several_folders(full_report, tmp_path):
    for name, accuracy in (("a", 0.8), ("b", 0.9), ("c", 0.7)):
        (tmp_path / name).mkdir()
        other(full_report, accuracy).save(tmp_path / name)
    found = compare_reports(*(tmp_path / name for name in "abc"))
    assert found.names == ["a", "b", "c"]
    assert [round(difference.value, 2) for difference in found.differences] == [0.1, -0.1]
    assert "a vs. b vs. c" in str(found)
    assert found.tables[0].header == ["score", "a", "b", "c"]
    page = found.to_html()
    assert "<script" not in page
    assert "Settings that differ" not in page
    assert page.count("<figure") == 2  # one of each score
    assert found.scores[0].values == [0.8, 0.9, 0.7]
    with Console(width=70, record=True, file=io.StringIO()) as console:
        console.print(found)
    assert "Accuracy: b 90.0%" in console.export_text()


def test_what_cannot_be_compared(full_report, tmp_path):
    with pytest.raises(ConfigError, match="give two runs"):
        compare_reports(full_report)
    with pytest.raises(ConfigError, match="several recipes"):
        compare_reports(full_report, replace(full_report, recipe="pretraining"))
    with pytest.raises(ConfigError, match="a name for each"):
        compare_reports(full_report, full_report, names=["a"])
    with pytest.raises(OutputError, match="no run has finished"):
        compare_reports(full_report, tmp_path)
    nothing = replace(full_report, result={})
    assert compare_reports(nothing, nothing).verdict == ["No score is finite in all runs."]


def test_a_direction_that_is_not_known_names_no_better_run(full_report):
    mine = replace(full_report.glossary[0], key="rmse", label="RMSE", format_spec=".2f", lower_is_better=None)
    report = replace(full_report, glossary=[mine], result={"rmse": 0.4}, intervals={"rmse": [0.39, 0.41]})
    second = replace(report, result={"rmse": 0.5}, intervals={"rmse": [0.49, 0.51]})
    assert (
        compare_reports(report, second)
        .verdict[0]
        .endswith("significant, whether greater or lower is better is not known.")
    )
    for greater, better in ((False, "run 1 is better."), (True, "run 2 is better.")):
        training = {"metric_for_best_model": "rmse", "greater_is_better": greater}
        report.settings = full_report.settings | {"training": training}
        assert compare_reports(report, second).verdict[0].endswith(better)


def test_verdicts_are_a_list(full_report):
    runs = [full_report, *(other(full_report, value, [value - 0.1, value + 0.1]) for value in (0.82, 0.84))]
    found = compare_reports(*runs, names=["a", "b", "c"])
    assert len(found.verdict) == 3
    page, text = found.to_html(), found.to_markdown()
    for sentence in found.verdict:
        assert f"<li>{sentence}</li>" in page
        assert f"\n- {sentence}\n" in text
    assert '<p class="lead">' not in page
