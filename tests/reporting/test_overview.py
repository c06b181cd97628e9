import pytest

from bert_finetune_kit import OutputError, Overview, RunReport
from bert_finetune_kit.reporting.schema import ReportTable, Score


def run_of(name, **result):
    return RunReport(
        recipe=name, summary=[f"{name} went well."], scores=[], result=result, baselines={},
        glossary=[Score("loss", "loss", ".2f", "unused."), Score("f1", "F1", ".1f", "good.")],
        data={}, history=[],
        parameters={"name": "Bert", "total": 12_345, "trainable": 12_345, "tied": 0}, settings={},
        timings={"whole run": 90.0},
        tables=[ReportTable("Result", ["score", "value"], [["F1", "51.0"]])], notes=[f"a note on {name}"],
    )  # fmt: skip


def two_runs(folder):
    for name, result in (("pretraining", {"loss": 2.5}), ("question_answering", {"f1": 51.0, "loss": "nan"})):
        (folder / name).mkdir()
        run_of(name, **result).save(folder / name)
    return Overview.load(folder, ("pretraining", "question_answering"))


def test_one_page_for_all_runs(tmp_path, capsys):
    page = two_runs(tmp_path).save(tmp_path).read_text("utf-8")
    assert "| Pretraining | 12,345 | 1.5 | loss 2.50 |" in page
    assert "| Question answering | 12,345 | 1.5 | F1 51.0 |" in page
    assert "|  | Pretraining | Question answering |" in page  # of the models, a column a run
    assert "[Report of question answering](question_answering/report.html)" in page
    printed = capsys.readouterr().out
    assert "pretraining went well." in printed
    assert "F1 51.0" in printed


def test_the_ten_sections(tmp_path):
    page = two_runs(tmp_path).to_markdown()
    titles = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert titles == [
        "Runs", "1. Model", "2. Parameters by module", "3. Pretraining", "4. Scores by evaluation",
        "5. Where the model is", "6. Fine-tuning", "7. Results", "8. Parameters after fine-tuning",
        "9. Where the fine-tuned models are", "10. Analysis",
    ]  # fmt: skip
    assert "### Question answering: Result" in page
    assert "hf upload YOUR-NAME/question-answering question_answering" in page


def test_findings_and_changes_are_the_reasons(full_report):
    """A report with everything, and with text that must not become part of the page."""
    overview = Overview({"pretraining": full_report, "classification": full_report})
    page = overview.to_html()
    assert "<script" not in page
    assert "<h1>Pretraining → Classification</h1>" in page
    assert page.count('<p class="value">80.0%</p>') == 2
    assert '<a href="classification/report.html">Classification: Accuracy</a>' in page
    assert "Classification: IMBALANCED" in page
    assert "<li>Weigh the labels.</li>" in page
    assert "  - what to do: Weigh the labels." in overview.to_markdown()
    assert "Classification, parameters: The classifier" in page
    assert page.count("<svg") >= 1


def test_a_run_that_is_missing(tmp_path):
    with pytest.raises(OutputError, match="no run has finished there"):
        Overview.load(tmp_path, ("pretraining",))
