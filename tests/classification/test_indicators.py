import csv
import json

import pytest

from bert_finetune_kit import ClassificationTask, DataError, LabelledSource
from bert_finetune_kit.classification.indicators import are_indicators
from bert_finetune_kit.classification.labels import label_notes, label_set
from bert_finetune_kit.data.labelled import label_values, load_labelled

TASK = ClassificationTask("toy", kind="multi_label", label="labels")
NAMED = ClassificationTask("toy", kind="multi_label", label="labels", labels=("kind", "loud", "rude"))
ROWS = [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
TARGETS = [[0, 1, 0], [1, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("values", "declared", "expected"),
    [
        (ROWS, None, True),
        (ROWS, ("a", "b", "c"), True),
        ([[False, True], [True, True]], None, True),
        ([[0.0, 1.0], [1.0, 1.0]], None, True),
        ([["0", "1"], ["1", "1"]], None, True),
        ([[1], [0]], ("rude",), True),
        ([[0], [1]], None, False),  # an id in each row
        ([[0], [1, 0], []], None, False),
        ([[0, 1], [1, 0]], ("a", "b", "c"), False),  # the first two of three labels
        ([[0, 1], [1, 2]], None, False),
        ([["a", "b"], ["b", "c"]], None, False),
        (["a", "b"], None, False),
        ([[], []], None, False),
    ],
)
def test_which_lists_are_indicators(values, declared, expected):
    assert are_indicators(values, declared) is expected


@pytest.mark.parametrize(("task", "names"), [(TASK, ("0", "1", "2")), (NAMED, NAMED.labels)])
def test_lists_of_zeros_and_ones(task, names):
    labels = label_set(task, ROWS)
    assert labels.names == names
    assert labels.encode(ROWS, "train").tolist() == TARGETS
    assert labels.encode([[True, False, "1"]], "dev").tolist() == [[1, 0, 1]]
    assert len(label_notes(labels, task)) == 1
    assert ("declares no labels" in label_notes(labels, task)[0]) is (task.labels is None)


def test_lists_of_labels_are_no_indicators():
    ids = label_set(NAMED, [[0, 1], [1, 0]])
    assert ids.encode([[0, 1], [2]], "train").tolist() == [[1, 1, 0], [0, 0, 1]]
    assert label_notes(ids, NAMED) == []
    single = label_set(TASK, [[0], [1]])
    assert (single.names, single.encode([[0], [1]], "train").tolist()) == (("0", "1"), [[1, 0], [0, 1]])
    columns = ClassificationTask("toy", kind="multi_label", label=("a", "b"))
    assert label_notes(label_set(columns, [[0, 1]]), columns) == []


@pytest.mark.parametrize(
    ("task", "train", "message"),
    [
        (TASK, [[0, 1, 0], [1, 0]], r"Row 0 of the train split has the label \[0, 1, 0\].*names each once"),
        (NAMED, [[0, 1, 0, 0], [1, 0, 1, 0]], "1 for each label has 3 of them in every row"),
    ],
)
def test_lists_that_are_neither(task, train, message):
    with pytest.raises(DataError, match=message):
        label_set(task, train).encode(train, "train")


@pytest.mark.parametrize("row", [[0, 1], [0, 1, 0, 1], ["kind"], None])
def test_a_validation_split_with_other_lists(row):
    with pytest.raises(DataError, match=r"Row 1 .* of the dev split .* a list of 3 numbers"):
        label_set(TASK, ROWS).encode([[0, 1, 0], row], "dev")


def write_csv(path, cells):
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "labels"), *((f"text {n}", cell) for n, cell in enumerate(cells))])
    return path


@pytest.mark.parametrize("write", [json.dumps, str])
def test_lists_in_cells(tmp_path, write):
    """As JSON, and as pandas writes lists."""
    for name, rows in (("a.csv", ROWS), ("b.csv", [["x", "y"], [], ["y"]])):
        source = LabelledSource(write_csv(tmp_path / name, [write(row) for row in rows]))
        assert label_values(load_labelled(TASK, source).train, TASK) == rows


def test_cells_that_are_no_lists(tmp_path):
    data = load_labelled(TASK, LabelledSource(write_csv(tmp_path / "a.csv", ["[0, 1]", "[0 1]"])))
    with pytest.raises(DataError, match=r"row 1 .* is '\[0 1\]', which is no list"):
        label_values(data.train, TASK)


@pytest.mark.parametrize("cells", [["[0, 1, 0]", "[1, 0, 1]"], ["[0 1 0]", "[]"], ["['a']", "[]"]])
def test_lists_of_a_task_of_a_single_label(cells):
    with pytest.raises(DataError, match=r"are lists such as .*declare kind='multi_label'"):
        label_set(ClassificationTask("toy"), cells)
    assert label_set(ClassificationTask("toy"), ["[x]", "[y]"]).names == ("[x]", "[y]")
