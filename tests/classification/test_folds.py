"""The train split of a classification divided into folds, and the scores of all predictions together."""

from dataclasses import replace

import numpy as np
import pytest
from datasets import ClassLabel, Dataset
from sklearn import metrics as sk

from bert_finetune_kit import ClassificationTask, DataError, LabelledSource
from bert_finetune_kit.classification.example_rows import predictions_of
from bert_finetune_kit.classification.folds import fold_data, pool
from bert_finetune_kit.classification.intervals import intervals
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.metric_set import metric_set
from bert_finetune_kit.data.labelled import load_labelled

TASK = ClassificationTask("mine")


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch):
    monkeypatch.setattr("bert_finetune_kit.classification.intervals.DRAWS", 100)


def rows_of(labels, **columns):
    return [
        {"text": f"text {number}", "label": label} | {name: values[number] for name, values in columns.items()}
        for number, label in enumerate(labels)
    ]


def divide(rows, folds, task=TASK, **settings):
    source = LabelledSource(train=rows, **settings)
    return fold_data(load_labelled(task, source), task, source, folds)


def reloaded(fold, task=TASK):
    """Return what a run of a fold trains on, as its recipe loads it."""
    return load_labelled(task, fold.source)


def test_each_row_is_scored_once_and_trained_on_by_the_other_folds():
    data = divide(rows_of([0, 1, 1] * 20), 5)
    assert sorted(np.concatenate([fold.numbers for fold in data.folds]).tolist()) == list(range(60))
    for fold in data.folds:
        scored = fold.rows["test"]["text"][:]
        assert scored == [f"text {number}" for number in fold.numbers]
        assert np.bincount(fold.rows["test"]["label"][:]).tolist() == [4, 8]
        trained = reloaded(fold)
        assert set(trained.train["text"][:]) == {f"text {number}" for number in range(60)} - set(scored)
        assert not trained.validation
    assert (data.unit, data.clusters, data.has_validation) == ("example", None, False)


def test_a_fold_has_the_name_of_the_data_and_its_number(tmp_path):
    file = tmp_path / "reviews.csv"
    file.write_text("text,label\n" + "".join(f"text {n},{'no' if n % 2 else 'yes'}\n" for n in range(20)), "utf-8")
    data = divide(str(file), 2)
    assert data.name == str(file)
    assert reloaded(data.folds[1]).name == f"{file}, fold 2 of 2"


def test_only_the_rows_that_are_trained_on_are_divided():
    data = divide(
        rows_of([0, 1] * 30), 3, max_train_examples=30, validation=rows_of([0, 1] * 8), max_validation_examples=4
    )
    assert sorted(np.concatenate([fold.numbers for fold in data.folds]).tolist()) == list(range(30))
    trained = reloaded(data.folds[0])
    assert (len(trained.train), len(trained.validation["validation"])) == (20, 4)
    assert data.has_validation


def test_several_validation_splits_are_kept(tmp_path):
    for split in ("train", "validation_matched", "validation_mismatched"):
        Dataset.from_list(rows_of([0, 1] * 10)).to_json(tmp_path / f"{split}.jsonl")
    task = replace(TASK, validation_splits=("validation_matched", "validation_mismatched"))
    data = divide(str(tmp_path), 2, task)
    assert set(reloaded(data.folds[0], task).validation) == {"validation_matched", "validation_mismatched"}


def test_names_of_a_class_label_are_those_of_every_fold():
    rows = Dataset.from_list(rows_of([0, 1, 2] * 10)).cast_column("label", ClassLabel(names=["no", "yes", "maybe"]))
    assert reloaded(divide(rows, 3).folds[2]).train.features["label"].names == ["no", "yes", "maybe"]


def test_groups_are_whole_and_are_the_clusters_of_the_intervals():
    authors = [f"author {number // 4}" for number in range(80)]
    data = divide(rows_of([0, 1] * 40, author=authors), 5, group="author")
    for fold in data.folds:
        assert not set(fold.rows["test"]["author"][:]) & set(reloaded(fold).train["author"][:])
        assert fold.source.group == "author"
    assert len(set(data.clusters.tolist())) == 20
    assert "examples of one group (author) are in one fold" in data.divided_by


@pytest.mark.parametrize("kind", ["multi_label", "regression"])
def test_rows_with_several_labels_and_numbers_are_spread(kind):
    task = replace(TASK, kind=kind, metrics=())
    if kind == "regression":
        data = divide(rows_of([float(number) for number in range(50)]), 5, task)
        means = [np.mean(fold.rows["test"]["label"][:]) for fold in data.folds]
        assert np.ptp(means) < 5
    else:
        data = divide(rows_of([["a"], ["a", "b"], ["b"], ["a", "c"], []] * 10), 5, task)
        for fold in data.folds:
            assert sum("c" in names for names in fold.rows["test"]["label"][:]) == 2


@pytest.mark.parametrize(
    ("labels", "folds", "message"),
    [
        ([0, 1], 3, "3 folds need 3 different examples of every label"),
        ([0] * 20 + [1] * 3, 5, r"fewer of 1 of 2 labels: '1' \(3\)\. Set folds to 3 or less, or join such labels"),
        ([0] * 20 + [1], 5, r"'1' \(1\)\. Join such labels"),
        ([0] * 20, 2, "All 20 training examples have the label '0'"),
        ([0, 1, 0, None], 2, "The label in row 3"),
    ],
)
def test_what_cannot_be_divided_is_refused(labels, folds, message):
    with pytest.raises(DataError, match=message):
        divide(rows_of(labels), folds)


def test_groups_that_cannot_be_divided_are_refused():
    labels, of_two = [0, 1] * 10, ["ada", "ben"] * 10
    with pytest.raises(DataError, match="3 folds need at least as many groups, and the train split has 2"):
        divide(rows_of([0, 0, 1, 1] * 5, author=of_two), 3, group="author")
    with pytest.raises(DataError, match=r"2 different groups of every label.*'0' \(1\), '1' \(1\)"):
        divide(rows_of(labels, author=of_two), 2, group="author")
    # The model of each fold would have one author, of whom nothing can be held out.
    with pytest.raises(DataError, match="the train split has 1 group"):
        divide(rows_of([0, 0, 1, 1] * 5, author=of_two), 2, group="author")
    divide(rows_of([0, 0, 1, 1] * 5, author=of_two), 2, group="author", validation=rows_of([0, 1], author=["c", "d"]))


def predicted_rows(kind, count=60):
    rng = np.random.default_rng(0)
    if kind == "regression":
        return LabelSet((), kind), [
            {"reference": float(x), "prediction": float(x + rng.normal()), "loss": 1.0} for x in rng.normal(size=count)
        ]
    names = ("a", "b", "c")
    rows = []
    for _ in range(count):
        probabilities = rng.dirichlet(np.ones(3))
        row = {"probabilities": dict(zip(names, probabilities.tolist(), strict=True)), "loss": float(rng.random())}
        if kind == "single_label":
            row |= {"reference": names[rng.integers(3)], "prediction": names[probabilities.argmax()]}
        else:
            row |= {key: [name for name in names if rng.random() < 0.5] for key in ("reference", "prediction")}
        rows.append(row)
    return LabelSet(names, kind), rows


@pytest.mark.parametrize("kind", ["single_label", "multi_label", "regression"])
def test_pooled_scores_and_intervals_are_those_of_one_split(kind):
    labels, rows = predicted_rows(kind)
    task = replace(TASK, kind=kind, metrics=())
    scores, bounds = pool(task, labels, rows, None)
    metrics, predicted = metric_set(task.metrics, kind, labels.outputs), predictions_of(rows, labels)
    assert scores == metrics.score(predicted) | {"loss": pytest.approx(np.mean([row["loss"] for row in rows]))}
    assert bounds == intervals(metrics, predicted)
    if kind == "single_label":
        true, given = ([row[key] for row in rows] for key in ("reference", "prediction"))
        assert scores["f1_macro"] == pytest.approx(sk.f1_score(true, given, average="macro"))


def test_rows_without_a_prediction_are_counted_and_skipped():
    labels, rows = predicted_rows("single_label")
    broken = [*rows, rows[0] | {"prediction": None, "probabilities": None, "loss": None}]
    expected, _ = pool(TASK, labels, rows, None)
    assert pool(TASK, labels, broken, None)[0] == expected | {"non_finite_examples": 1.0}
    assert pool(TASK, labels, broken[-1:], None) == ({"non_finite_examples": 1.0}, {})


@pytest.mark.parametrize("kind", ["single_label", "multi_label", "regression"])
def test_examples_of_a_group_are_drawn_together(kind):
    """Each example three times says no more than once: the interval is that of single examples."""
    labels, rows = predicted_rows(kind)
    task = replace(TASK, kind=kind, metrics=())
    _, single = pool(task, labels, rows, np.arange(len(rows)))
    tripled = [row for row in rows for _ in range(3)]
    _, clustered = pool(task, labels, tripled, np.repeat(np.arange(len(rows)), 3))
    _, independent = pool(task, labels, tripled, None)
    for name in set(single) - {"calibration_error"}:
        assert clustered[name] == pytest.approx(single[name], abs=1e-9), name
        assert np.diff(clustered[name])[0] > 1.2 * np.diff(independent[name])[0], name
