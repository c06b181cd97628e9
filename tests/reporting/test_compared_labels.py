"""Runs of the same task whose labels have other names."""

import math
import re
import shlex

import numpy as np
import pytest

from bert_finetune_kit import ConfigError, RunReport, compare_reports, compare_seeds
from bert_finetune_kit.commands.compare import build_parser, compare
from bert_finetune_kit.reporting.comparison import LabelNames
from bert_finetune_kit.reporting.known_scores import KNOWN_SCORES
from bert_finetune_kit.reporting.paired_runs import own_scores
from bert_finetune_kit.reporting.predictions import write_predictions

NAMES: LabelNames = {"neg": "negative", "pos": "positive"}


def rows_of(references, right, names, multi_label=False):
    """Return predictions of two labels by their names; of several labels an example, both or the second one."""
    rows = []
    for row, (reference, is_right) in enumerate(zip(references, right, strict=True)):
        predicted = reference if is_right else 1 - reference
        shares = dict(zip(names, (0.8, 0.2) if predicted == 0 else (0.2, 0.8), strict=True))
        target, answer = names[reference], names[predicted]
        if multi_label:
            target, answer = (list(names) if value else [names[1]] for value in (reference, predicted))
            shares = {names[0]: 0.8 if predicted else 0.2, names[1]: 0.8}
        rows.append(
            {"split": "validation", "row": row, "text_hash": str(row), "reference": target, "prediction": answer,
             "probabilities": shares, "loss": -math.log(0.8 if is_right else 0.2)}
        )  # fmt: skip
    return rows


@pytest.fixture
def saved(full_report, tmp_path):
    """Return a function that writes a run with labels of these names, and returns its folder."""

    def write(name, names, rows, kind="single_label"):
        full_report.settings = {"task": {"kind": kind, "labels": list(names)}}
        full_report.data = {"validation": {"examples": len(rows), "label_shares": dict.fromkeys(names, 0.5)}}
        scores = own_scores("classification", rows)
        full_report.result = {key: scores[key] for key in ("accuracy", "f1", "loss") if key in scores}
        full_report.glossary = [KNOWN_SCORES["classification"][key] for key in full_report.result]
        full_report.intervals = {}
        (tmp_path / name).mkdir(parents=True)
        full_report.save(tmp_path / name)
        write_predictions(rows, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def sides():
    """Return references, and which of them each of two runs has right."""
    rng = np.random.default_rng(0)
    return rng.integers(2, size=100), rng.random(100) < 0.8, rng.random(100) < 0.9


@pytest.fixture
def two_runs(saved, sides):
    references, *right = sides
    labels = (["negative", "positive"], ["neg", "pos"])
    rows = [rows_of(references, side, names) for side, names in zip(right, labels, strict=True)]
    return [saved(name, names, part) for name, names, part in zip("ab", labels, rows, strict=True)]


def test_labels_of_other_names_are_paired_by_their_names_in_the_first_run(two_runs, saved, sides):
    """As runs of the same names are."""
    references, _, right = sides
    same = saved("c", ["negative", "positive"], rows_of(references, right, ["negative", "positive"]))
    expected, found = compare_reports(two_runs[0], same, names="ab"), compare_reports(*two_runs, label_names=NAMES)
    assert found.verdict[0] == expected.verdict[0]
    assert found.differences[0].examples == 100
    assert "Labels of b by their names in a: neg is negative, pos is positive." in found.verdict
    assert found.tables[0].rows == expected.tables[0].rows
    titles = [table.title for table in found.tables]
    assert "Settings that differ" not in titles
    assert "Data that differ" not in titles
    first, second = found.differences[0].changed[0]
    assert first["reference"] == second["reference"]
    assert set(second["probabilities"]) == {"negative", "positive"}
    assert RunReport.load(two_runs[1]).settings["task"]["labels"] == ["neg", "pos"]


def test_the_names_are_suggested_where_the_texts_leave_no_other(two_runs):
    found = compare_reports(*two_runs)
    assert "not comparable, since the labels differ: b neg, pos, a negative, positive" in found.verdict[0]
    (note,) = [sentence for sentence in found.verdict if "other names" in sentence]
    assert note == (
        "b and a have other names for the labels of the same texts. By these texts they are label_names={'neg': "
        "'negative', 'pos': 'positive'} (--label_names 'neg=negative' 'pos=positive')."
    )
    words = shlex.split(re.search(r"\((.*)\)", note)[1])
    assert build_parser().parse_args([*map(str, two_runs), *words]).label_names == ["neg=negative", "pos=positive"]


def test_labels_that_are_exchanged_are_told_and_paired(saved, sides):
    """The same texts, with neg for pos and pos for neg."""
    references, *right = sides
    labels = ["neg", "pos"]
    first = saved("a", labels, rows_of(references, right[0], labels))
    second = saved("b", labels, rows_of(references, right[1], labels[::-1]))
    assert "label_names={'neg': 'pos', 'pos': 'neg'} (--label_names" in compare_reports(first, second).verdict[1]
    found = compare_reports(first, second, label_names={"neg": "pos", "pos": "neg"})
    assert found.differences[0].examples == 100
    assert len(compare_reports(first, first).verdict) == 1  # equal labels are no other names


def test_nothing_is_suggested_for_labels_that_only_overlap(two_runs, saved, sides):
    references, right, _ = sides
    rows = rows_of(references, right, ["neg", "pos"])
    rows[0]["reference"] = "pos" if rows[0]["reference"] == "neg" else "neg"
    found = compare_reports(two_runs[0], saved("c", ["neg", "pos"], rows))
    assert not any("label_names" in sentence for sentence in found.verdict)
    rows = [row | {"text_hash": f"{row['text_hash']} alone" * row["reference"].count("pos") or row["text_hash"]}
            for row in rows_of(references, right, ["neg", "pos"])]  # fmt: skip
    found = compare_reports(two_runs[0], saved("d", ["neg", "pos"], rows))  # of pos nothing is known
    assert not any("label_names" in sentence for sentence in found.verdict)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"neg": "positive", "pos": "negative"},
         r"100 of the 100 texts that a and b share have another label in b. By these texts .*'neg': 'negative'"),
        ({"negative": "neg", "positive": "pos"},
         r"the wrong way round: .* Give label_names={'neg': 'negative', 'pos': 'positive'} \(--label_names 'neg=neg"),
        ({"negative": "neg", "positive": "neg"}, "has 4 faults"),  # turned, it would lose a label
        ({"neg": "negative", "pos": "negative"}, "neg and pos of b would both be 'negative': each label needs a name"),
        ({"neg": "negative"}, "b would have the labels negative, pos, and a has the labels negative, positive: all"),
        ({"ng": "negative", "pos": "positive"}, "there is no label 'ng'; .* the labels neg, pos. Did you mean 'neg'"),
        ({"neg": "negativ", "pos": "positive"}, "no label 'negativ'; a has the labels .* Did you mean 'negative'"),
        ([("neg", "negative")], "give the names in a mapping"),
    ],
)  # fmt: skip
def test_names_that_are_wrong_or_ambiguous_are_refused(two_runs, names, message):
    with pytest.raises(ConfigError, match=message):
        compare_reports(*two_runs, label_names=names)


def test_names_are_refused_before_predictions_are_read(two_runs, monkeypatch):
    monkeypatch.setattr("bert_finetune_kit.reporting.comparison.open_run", None)
    with pytest.raises(ConfigError, match="each label needs a name"):
        compare_reports(*two_runs, label_names={"neg": "negative", "pos": "negative"})


def test_runs_without_labels_have_none_to_rename(two_runs, full_report):
    full_report.settings = {"task": {"kind": "regression", "labels": []}}
    with pytest.raises(ConfigError, match="renames the labels of classifications, and r has none: leave it out"):
        compare_reports(two_runs[0], full_report, names=["a", "r"], label_names=NAMES)


def test_each_of_several_runs_is_renamed(two_runs, saved, sides):
    references, _, right = sides
    third = saved("c", ["LABEL_0", "LABEL_1"], rows_of(references, right, ["LABEL_0", "LABEL_1"]))
    names = {**NAMES, "LABEL_0": "negative", "LABEL_1": "positive"}
    found = compare_reports(*two_runs, third, label_names=names)
    assert [difference.examples for difference in found.differences] == [100, 100]


def test_several_labels_an_example_are_renamed_in_the_order_of_the_first_run(saved, sides):
    references, *right = sides
    first = rows_of(references, right[0], ["music", "art"], multi_label=True)
    second = rows_of(references, right[1], ["ballads", "painting"], multi_label=True)
    for row in second:
        row["reference"] = row["reference"][::-1]
    folders = [
        saved(name, labels, rows, "multi_label")
        for name, labels, rows in (("a", ["music", "art"], first), ("b", ["painting", "ballads"], second))
    ]
    found = compare_reports(*folders, label_names={"painting": "art", "ballads": "music"})
    assert found.differences[0].examples == 100


def test_settings_of_several_seeds_are_renamed(saved, sides):
    references, *right = sides
    folders = []
    for name, labels, side in (("a", ["negative", "positive"], right[0]), ("b", ["neg", "pos"], right[1])):
        for seed in (1, 2):
            folder = saved(f"{name}/seed-{seed}", labels, rows_of(references, np.roll(side, seed), labels))
        folders.append(folder.parent)
    assert any("(--label_names 'neg=negative'" in sentence for sentence in compare_seeds(*folders).verdict)
    found = compare_seeds(*folders, label_names=NAMES)
    assert found.differences[0].comparable
    assert "Labels of b by their names in a: neg is negative, pos is positive." in found.verdict


def test_names_are_given_on_the_command_line(two_runs, capsys):
    runs = [str(folder) for folder in two_runs]
    compare([*runs, "--label_names", "neg=negative", "pos=positive"])
    assert capsys.readouterr().out.rstrip() == str(compare_reports(*runs, label_names=NAMES)).rstrip()
    for words, message in (
        (["neg"], r"--label_names has 'neg': give NAME=NAME for each label, after the folders"),
        (["neg=a=b"], r"'neg=a=b'.*Names that contain = can be given in Python"),
        (["neg=negative", "neg=positive"], "gives 'neg' two names: negative and positive"),
    ):
        with pytest.raises(ConfigError, match=message):
            compare([*runs, "--label_names", *words])
    for words in (["--label_names", "neg=negative", *runs], [runs[0], "--label_names", "neg=negative", runs[1]]):
        with pytest.raises(ConfigError, match=rf"also .*{runs[1]}: a flag with several values comes after the folders"):
            compare(words)
    with pytest.raises(ConfigError, match="there is no run: give the folders of two"):
        compare([])
