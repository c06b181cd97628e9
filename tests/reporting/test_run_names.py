"""Names of runs that are shown side by side."""

import os
from dataclasses import replace

import pytest

from bert_finetune_kit import compare_reports, compare_seeds
from bert_finetune_kit.reporting.run_names import run_names
from bert_finetune_kit.reporting.svg import distinct_labels


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["/x/first", "/y/second"], ["first", "second"]),
        (["/x/a/run", "/x/b/run"], ["a/run", "b/run"]),
        (["/x/a/run/model", "/x/b/run/model", "/x/c"], ["a/run/model", "b/run/model", "c"]),
        (["/run", "/x/run"], ["/run", "x/run"]),
        (["/x/a", "/x/a/"], ["a", "a (2)"]),
        (["/x/a", "/x/a", "/y/a"], ["x/a", "x/a (2)", "y/a"]),
        (["/x/y/../run", "/x/z/run"], ["x/run", "z/run"]),
        ([object(), "/x/run 1"], ["run 1", "run 1 (2)"]),
    ],
)
def test_as_much_of_a_path_as_tells_it_apart(folders, names):
    assert run_names(folders) == names


def test_the_folder_of_the_process_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_names([".", os.path.join("..", "other")]) == [tmp_path.name, "other"]


def test_runs_of_one_name_are_told_apart(full_report, tmp_path):
    """In the verdict, in each table, and on the page with its charts."""
    for name, accuracy in (("a", 0.8), ("b", 0.9)):
        folder = tmp_path / name / "run"
        folder.mkdir(parents=True)
        replace(full_report, result=full_report.result | {"accuracy": accuracy}).save(folder)
    found = compare_reports(tmp_path / "a" / "run", str(tmp_path / "b" / "run"))
    assert found.names == ["a/run", "b/run"]
    assert "b/run 90.0%, a/run 80.0%" in found.verdict[0]
    assert found.tables[0].header == ["score", "a/run", "b/run"]
    assert all(f">{name}<" in found.to_html().split("<svg", 1)[1].split("</svg>")[0] for name in found.names)


def test_equal_names_that_were_given_are_told_apart(full_report):
    better = replace(full_report, result=full_report.result | {"accuracy": 0.9})
    worse = replace(full_report, result=full_report.result | {"accuracy": 0.5})
    found = compare_reports(full_report, better, worse, names=["a", "b", "b"])
    assert found.names == ["a", "b", "b (2)"]
    assert [difference.name for difference in found.differences] == ["b", "b (2)"]
    assert [round(difference.value, 1) for difference in found.differences] == [0.1, -0.3]


def test_seeds_in_folders_of_one_name_are_told_apart(full_report, tmp_path):
    runs = [tmp_path / day / "seed-1" for day in ("monday", "tuesday")]
    for folder in runs:
        folder.mkdir(parents=True)
        replace(full_report, finished="2026-11-26T12:00:00", fingerprint={"seed": 1}).save(folder)
    found = compare_seeds(runs, list(map(str, runs)), names=["x", "y"])
    same = next(sentence for sentence in found.verdict if "same run" in sentence)
    assert same.startswith("x, tuesday/seed-1 and x, monday/seed-1 are the same run")


def test_labels_of_a_chart_that_are_cut_stay_distinct():
    long = ["bert-base-uncased-sst2-lr-1e-5", "bert-base-uncased-sst2-lr-3e-5"]
    assert len(set(distinct_labels(long, 12))) == 2
    assert all(len(label) == 12 for label in distinct_labels(long, 12))
    assert len(set(distinct_labels(["the same a the same", "the same b the same"], 10))) == 2
    assert distinct_labels(["a", "the only long one"], 8) == ["a", "the onl…"]
