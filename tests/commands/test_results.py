"""The commands that read reports and scores."""

import json
import shutil
from dataclasses import replace

import pytest
from synthetic_reports import empty_report

from bert_finetune_kit import (
    ConfigError,
    DataError,
    Finding,
    OutputError,
    RunReport,
    compare_reports,
    compare_seeds,
    diagnose_scores,
)
from bert_finetune_kit import diagnose as diagnose_report
from bert_finetune_kit.commands.compare import compare
from bert_finetune_kit.commands.diagnose import diagnose, finding_text

REPORTED = {"recall": 1.0, "precision": 0.551, "accuracy": 0.551, "f1": 0.7105}


@pytest.fixture
def runs(finished):
    return [finished("classification", name) for name in ("first", "second")]


def test_runs_are_compared(runs, capsys, tmp_path):
    compare(runs)
    assert capsys.readouterr().out.rstrip() == str(compare_reports(*runs)).rstrip()
    for name, start in (("comparison.md", "# classification"), ("comparison.html", "<!doctype html>")):
        compare([*runs, "--output", str(tmp_path / name)])
        assert (tmp_path / name).read_text("utf-8").lower().startswith(start)


def test_what_cannot_be_compared(runs):
    with pytest.raises(ConfigError, match="Command line: there is one run"):
        compare(runs[:1])
    with pytest.raises(ConfigError, match=r"--output is c.txt: its name must end in .html or .md"):
        compare([*runs, "--output", "c.txt"])
    with pytest.raises(OutputError, match=r"cannot be written to .*c.md: No such file or directory"):
        compare([*runs, "--output", f"{runs[0]}/nowhere/c.md"])


def test_a_place_that_cannot_be_written_is_refused_before_the_work(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bert_finetune_kit.reporting.comparison.compare_reports", None)
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "file").touch()
    for place, reason in (
        ("nowhere/c.md", "No such file"),
        ("folder.md", "Is a directory"),
        ("file/c.md", "Not a dir"),
    ):
        with pytest.raises(OutputError, match=rf"The comparison cannot be written to .*{place}: {reason}"):
            compare([*runs, "--output", str(tmp_path / place)])
    with pytest.raises(TypeError):  # a place that can be written: the comparison begins, and nothing is left there
        compare([*runs, "--output", str(tmp_path / "c.md")])
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["file"]
    assert capsys.readouterr().out == ""


def test_folders_of_several_seeds_are_compared_by_seeds(runs, tmp_path, capsys):
    for folder, name in ((runs[0], "small"), (runs[1], "large")):
        for seed in (1, 2):
            shutil.copytree(folder, tmp_path / name / f"seed-{seed}")
    folders = [str(tmp_path / name) for name in ("small", "large")]
    compare(folders)
    assert capsys.readouterr().out.rstrip() == str(compare_seeds(*folders)).rstrip()


def test_seeds_and_single_runs_are_not_compared(runs, tmp_path):
    for seed in (1, 2):
        shutil.copytree(runs[0], tmp_path / "several" / f"seed-{seed}")
    with pytest.raises(ConfigError, match=r"several has several seeds, and .*first has not"):
        compare([str(tmp_path / "several"), runs[0]])


LATE = Finding("LATE", "warning", "It is late.", causes=["a long day"], advice=["Sleep.", "Eat."])


def test_the_findings_of_a_run(runs, capsys):
    """As the run has reported them, also those of a rule that is not registered here."""
    report = RunReport.load(runs[0])
    assert {"error", "warning"} <= {finding.severity for finding in report.findings}
    diagnose([runs[0]])
    assert capsys.readouterr().out == "\n\n".join(map(finding_text, report.findings)) + "\n"
    report.findings.append(LATE)
    report.save(runs[0])
    diagnose([f"{runs[0]}/report.json"])
    shown = capsys.readouterr().out
    assert "warning LATE: It is late.\n  Likely causes: a long day.\n  1. Sleep.\n  2. Eat.\n" in shown
    assert "present rules" not in shown


def test_a_run_is_diagnosed_by_the_present_rules(runs, capsys):
    report = RunReport.load(runs[0])
    first, *others = report.findings
    report.findings = [
        Finding("STILL_IMPROVING", "note", "An older rule said so."),
        Finding("RULE_FAILED", "note", "The rule LATE could not be applied."),
        *(replace(finding, severity="note") for finding in others[:1]), *others[1:],
    ]  # fmt: skip
    report.save(runs[0])
    diagnose([runs[0]])
    *shown, remark = capsys.readouterr().out.removesuffix("\n").split("\n\n")
    assert shown == [finding_text(finding) for finding in (first, *others)]
    assert remark == (
        "This is the diagnosis by the present rules. That of the report, by bert_finetune_kit "
        f"{report.versions['bert_finetune_kit']}, differs: without {first.code}; with STILL_IMPROVING (note); with "
        f"RULE_FAILED (note); {others[0].code} is of severity note."
    )


def test_saved_findings_of_other_rules_are_shown_apart(tmp_path, capsys):
    """The present ones first, whatever the severity of the others."""
    rows = [{"epoch": 1.0, "step": 8, "loss": float("nan")}]
    report = empty_report(scores=rows, result=rows[0], findings=[replace(LATE, severity="error")])
    report.findings += diagnose_report(report)
    report.save(tmp_path)
    diagnose([str(tmp_path)])
    first, heading, late = capsys.readouterr().out.removesuffix("\n").split("\n\n")
    assert first.startswith("error LOSS_NOT_FINITE: NaN or infinite: 1 of 1 evaluations (first loss at step 8).")
    assert heading == (
        "The report also has findings of rules that there are not here, such as rules of your own or of another "
        "version. They are as they were saved, and were not looked for again:"
    )
    assert late.startswith("error LATE: It is late.")


def test_a_run_without_findings(tmp_path, capsys):
    report = empty_report()
    report.save(tmp_path)
    diagnose([str(tmp_path)])
    assert capsys.readouterr().out == "There are no findings.\n"
    replace(report, findings=[Finding("OVERFITTING", "warning", "The loss rose.")]).save(tmp_path)
    diagnose([str(tmp_path)])
    shown = capsys.readouterr().out
    assert shown.startswith("There are no findings.\n\nThis is the diagnosis by the present rules.")
    assert shown.endswith("by bert_finetune_kit of an unknown version, differs: with OVERFITTING (warning).\n")


@pytest.mark.parametrize("prefix", ["", "eval_"])
def test_scores_from_elsewhere(prefix, tmp_path, capsys):
    file = tmp_path / "all_results.json"
    content = {f"{prefix}{name}": value for name, value in REPORTED.items()} | {"epoch": 3.0, "train_runtime": 12.5}
    file.write_text(json.dumps(content), "utf-8")
    diagnose([str(file), "--recipe", "classification", "--examples", "1000"])
    expected = diagnose_scores("classification", REPORTED, examples=1000)
    assert [finding.code for finding in expected] == ["ONE_CLASS_PREDICTED"]
    assert capsys.readouterr().out == "\n\n".join(map(finding_text, expected)) + "\n"


def test_what_cannot_be_diagnosed(runs, tmp_path):
    file = tmp_path / "scores.json"
    file.write_text("[0.5]", "utf-8")
    with pytest.raises(ConfigError, match=r"say what the scores in .*scores.json are of: --recipe"):
        diagnose([str(file)])
    with pytest.raises(DataError, match=r"The scores in .* cannot be read: it holds \[0.5\], and a JSON object"):
        diagnose([str(file), "--recipe", "classification"])
    with pytest.raises(ConfigError, match="has a report, which says what was scored"):
        diagnose([runs[0], "--examples", "10"])
    with pytest.raises(DataError, match="nowhere does not exist"):
        diagnose(["nowhere"])
