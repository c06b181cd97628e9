import io
import json
import math

import pytest
from rich.console import Console

from bert_finetune_kit import OutputError, RunReport, compare_reports
from bert_finetune_kit.reporting.html import write_html
from bert_finetune_kit.reporting.markdown import markdown_table, to_markdown, write_markdown
from bert_finetune_kit.reporting.plain import package_versions
from bert_finetune_kit.reporting.schema import Score
from bert_finetune_kit.reporting.terminal import print_report


@pytest.fixture
def report():
    return RunReport(
        recipe="pretraining",
        summary=["A model was trained.", "It is fine."],
        scores=[{"epoch": 1.0, "step": 10, "perplexity": 50.5}, {"epoch": 2.0, "step": 20, "perplexity": math.inf}],
        result={"epoch": 2.0, "step": 20, "perplexity": math.inf},
        baselines={"uniform": {"perplexity": 800.0}},
        glossary=[
            Score("perplexity", "perplexity", ",.1f", "how surprised it is."),
            Score("f1", "F1", ".2f", "unused."),
        ],
        data={"train": {"documents": 1200, "unknown_tokens": 0.015, "mean_length": 61.5}},
        history=[{"epoch": step / 10, "step": step, "loss": 5.0, "learning_rate": 1e-4} for step in range(1, 51)],
        parameters={"name": "Bert", "total": 1234, "trainable": 1234, "tied": 0, "children": []},
        settings={"source": {"train": "a|b.txt", "nothing": None}, "training": {"seed": 1, "_internal": 3}},
        timings={"training": 12.34},
        notes=["heads are new"],
    )


def test_round_trip(report, tmp_path):
    report.save(tmp_path)
    loaded = RunReport.load(tmp_path)
    assert loaded.glossary == report.glossary
    assert loaded.scores[1]["perplexity"] == "inf"  # JSON has no infinity
    json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_what_is_no_report(tmp_path):
    with pytest.raises(OutputError, match="no run has finished there"):
        RunReport.load(tmp_path)
    (tmp_path / "report.json").write_text('{"recipe": ', "utf-8")
    with pytest.raises(OutputError, match="is damaged"):
        RunReport.load(tmp_path)


def test_the_folder_of_several_seeds_is_no_run(report, tmp_path):
    for name in ("seed-2", "seed-1"):
        (tmp_path / name).mkdir()
        report.save(tmp_path / name)
    with pytest.raises(OutputError, match=r"holds the runs of several seeds: give that of one, such as .*seed-1\."):
        RunReport.load(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipe", None), ("summary", "one sentence"), ("scores", {}), ("scores", [[1]]), ("result", []),
        ("baselines", {"uniform": 3}), ("glossary", [{"key": "f1"}]), ("glossary", [3]), ("data", {"train": None}),
        ("parameters", []), ("settings", {"source": []}), ("timings", {"training": None}), ("tables", [{"rows": []}]),
        ("tables", [{"title": "a", "header": ["b"], "rows": [[1]]}]), ("findings", [{}]), ("intervals", {"f1": [0.5]}),
        ("notes", [None]), ("versions", []), ("colour", "unknown"),
        ("findings", [{"code": "MINE", "severity": "fatal", "evidence": "e"}]),
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_named(report, tmp_path, field, value):
    report.save(tmp_path)
    path = tmp_path / "report.json"
    data = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(data | {field: value}), "utf-8")
    with pytest.raises(OutputError, match=f"is damaged: .*({field}|label|title|code|Score|header|rows)"):
        RunReport.load(tmp_path)
    (tmp_path / "whole").mkdir()
    report.save(tmp_path / "whole")
    with pytest.raises(OutputError, match="is damaged"):
        compare_reports(tmp_path / "whole", tmp_path)
    del data["scores"]
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(OutputError, match=r"is damaged: .*scores is missing.*--resume"):
        RunReport.load(tmp_path)


def test_text_with_a_lone_surrogate_is_saved_and_shown(report, tmp_path, capsys):
    report.notes = ["file gr\udcc3\udcb6sse.csv"]
    report.save(tmp_path)
    assert RunReport.load(tmp_path).notes == report.notes
    write_markdown(report, tmp_path)
    write_html(report, tmp_path)
    print_report(report, "runs/x")
    for text in (
        capsys.readouterr().out,
        *((tmp_path / name).read_text("utf-8") for name in ("report.md", "report.html")),
    ):
        assert "gr\\udcc3" in text


class Unusual:
    """A value of a recipe that can neither be copied nor written as JSON."""

    def __str__(self):
        return "unusual"

    def __deepcopy__(self, _):
        raise TypeError("cannot be copied")


def test_whatever_a_recipe_puts_into_a_report_is_saved(report, tmp_path):
    """A file name that is not UTF-8 is a text with lone surrogates."""
    report.details = {"own": [Unusual()], Unusual(): {1, 2}}
    report.notes = ["read from run\udcff"]
    report.save(tmp_path)
    loaded = RunReport.load(tmp_path)
    assert loaded.details == {"own": ["unusual"], "unusual": "{1, 2}"}
    assert loaded.notes == ["read from run\udcff"]
    assert "read from run\\udcff" in write_markdown(report, tmp_path).read_text("utf-8")


def test_a_report_of_another_format_is_refused(report, tmp_path):
    report.save(tmp_path)
    path = tmp_path / "report.json"
    data = json.loads(path.read_text("utf-8"))
    for version in (1, None):
        path.write_text(json.dumps(data | {"format_version": version}), "utf-8")
        with pytest.raises(OutputError, match=f"has format {version}.* reads format 2"):
            RunReport.load(tmp_path)
    path.write_text("[]", "utf-8")
    with pytest.raises(OutputError, match="is damaged"):
        RunReport.load(tmp_path)


def test_markdown(report):
    text = to_markdown(report)
    assert "| epoch 1 | 50.5 |" in text
    assert "| uniform baseline | 800.0 |" in text
    assert "F1" not in text
    assert "| documents | 1,200 |" in text
    assert "| unknown tokens | 1.50% |" in text
    assert "- heads are new" in text
    assert "a\\|b.txt" in text
    assert "nothing" not in text
    assert "_internal" not in text
    history = text.split("## Training")[1].split("## Time")[0]
    assert 15 < history.count("| epoch") <= 22
    assert "epoch 5 |" in history


def test_terminal(report):
    stream = io.StringIO()
    print_report(report, "runs/x", Console(file=stream, width=100))
    text = stream.getvalue()
    for part in ("A model was trained. It is fine.", "50.5", "uniform baseline", "heads are new", "runs/x"):
        assert part in text
    assert len(text.splitlines()) < 25


def test_a_report_without_scores(report):
    report.scores = []
    assert "no validation split" in to_markdown(report)
    print_report(report, "runs/x", Console(file=io.StringIO()))


def test_table_escapes():
    assert markdown_table(("a", "b"), [("x|y", "l\nm")]).splitlines()[-1] == "| x\\|y | l m |"


def test_versions():
    versions = package_versions()
    assert versions["torch"].startswith("2.")
    assert "python" in versions


def test_a_report_shows_itself(report, monkeypatch):
    """As text without colours in `print`, and as its page in a notebook, whose own styles it must not change."""
    monkeypatch.setenv("COLUMNS", "90")
    stream = io.StringIO()
    print_report(report, None, Console(file=stream, width=90))
    assert str(report) == stream.getvalue().rstrip("\n")
    assert report.summary[0][:40] in str(report)
    assert "tokenizer are in" not in str(report)
    frame = report._repr_html_()
    assert frame.startswith('<iframe srcdoc="&lt;!')
    assert frame.count("<") == 2


def test_a_report_without_date_and_schedule_is_read(full_report, tmp_path):
    path = full_report.save(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    del content["finished"], content["schedule"]
    for score in content["glossary"]:
        del score["greatest"]
    path.write_text(json.dumps(content), "utf-8")
    loaded = RunReport.load(tmp_path)
    assert (loaded.finished, loaded.schedule) == ("", [])
    assert loaded.glossary == full_report.glossary
