import pytest

from bert_finetune_kit import OutputError, Overview, RunReport
from bert_finetune_kit.reporting.report import ReportTable, Score


def run_of(name, **result):
    return RunReport(
        recipe=name, summary=[f"{name} went well."], scores=[], result=result, baselines={},
        glossary=[Score("loss", "loss", ".2f", "unused."), Score("f1", "F1", ".1f", "good.")],
        data={}, history=[], parameters={"total": 12_345}, settings={}, timings={"whole run": 90.0},
        tables=[ReportTable("Result", ["score", "value"], [["F1", "51.0"]])], notes=[f"a note on {name}"],
    )  # fmt: skip


def test_one_page_for_all_runs(tmp_path, capsys):
    for name, result in (("pretraining", {"loss": 2.5}), ("question_answering", {"f1": 51.0, "loss": "nan"})):
        (tmp_path / name).mkdir()
        run_of(name, **result).save(tmp_path / name)
    page = Overview.load(tmp_path, ("pretraining", "question_answering")).save(tmp_path).read_text("utf-8")
    assert "| pretraining | 12,345 | 1.5 | loss 2.50 |" in page
    assert "| question_answering | 12,345 | 1.5 | F1 51.0 |" in page
    assert page.index("## pretraining") < page.index("## question_answering")
    assert "[question_answering/report.md](question_answering/report.md)" in page
    assert "- a note on pretraining" in page
    printed = capsys.readouterr().out
    assert "pretraining went well." in printed
    assert "F1 51.0" in printed


def test_a_run_that_is_missing(tmp_path):
    with pytest.raises(OutputError, match="no run has finished there"):
        Overview.load(tmp_path, ("pretraining",))
