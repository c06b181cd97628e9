import numpy as np
import pytest
from transformers import BertConfig

from bert_finetune_kit import ClassificationTask, DataError, ModelError
from bert_finetune_kit.classification.label_order import check_label_order, declared_order_note
from bert_finetune_kit.classification.labels import LabelSet, check_classes, label_name, label_set

TASK = ClassificationTask("toy")


@pytest.mark.parametrize(
    ("values", "names", "ids"),
    [
        (["no", "yes", "no"], ("no", "yes"), [0, 1, 0]),
        ([10, 2, 1], ("1", "2", "10"), [2, 1, 0]),
        (["level 10", "level 2", "none"], ("level 2", "level 10", "none"), [1, 0, 2]),
        (["b2", "a10", "a9", "2b"], ("2b", "a9", "a10", "b2"), [3, 2, 1, 0]),
        ([1.0, 0.0], ("0", "1"), [1, 0]),
        (["1.0", "0"], ("0", "1"), [1, 0]),
        ([True, False], ("false", "true"), [1, 0]),
        (["True", "False"], ("false", "true"), [1, 0]),
    ],
)
def test_labels_of_the_data_are_sorted(values, names, ids):
    labels = label_set(TASK, values)
    assert labels.names == names
    assert labels.encode(values, "train").tolist() == ids


def test_declared_labels_are_read_by_name_or_by_id():
    labels = label_set(ClassificationTask("toy", labels=("negative", "positive")), [])
    assert labels.encode(["positive", "negative"], "train").tolist() == [1, 0]
    assert labels.encode([1, 0], "train").tolist() == [1, 0]
    stars = LabelSet(("1", "2", "3"))
    assert stars.encode([3, 1], "train").tolist() == [2, 0]  # names take precedence over ids


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["good", None], r"row 1 .* of the dev split is missing"),
        ([0, float("nan")], "missing"),
        ([0, -1], "-1 marks hidden labels"),
        (["good", "godo"], "'godo' in row 1"),
        ([0, 2], "'2' in row 1"),
        (["good", "0"], "'0' in row 1"),
        ([0.5, 1.0], "declare kind='regression'"),
    ],
)
def test_unknown_labels(values, message):
    with pytest.raises(DataError, match=message):
        LabelSet(("bad", "good")).encode(values, "dev")


def test_an_empty_label_does_not_suggest_a_regression():
    with pytest.raises(DataError, match="missing"):
        label_set(TASK, ["0", "1", None]).encode(["0", "1", None], "train")
    with pytest.raises(DataError, match="kind='regression'"):
        label_set(TASK, [0.5, 1.5])


def test_labels_of_a_multi_label_task():
    task = ClassificationTask("toy", kind="multi_label")
    labels = label_set(task, [["b", "a"], [], ["c"]])
    assert labels.names == ("a", "b", "c")
    assert labels.encode([["c", "a"], []], "train").tolist() == [[1, 0, 1], [0, 0, 0]]
    with pytest.raises(DataError, match="needs a list of labels"):
        labels.encode(["a"], "train")
    columns = label_set(ClassificationTask("toy", kind="multi_label", label=("x", "y")), [])
    assert columns.names == ("x", "y")
    assert columns.encode([[1, "0"], [False, True]], "train").tolist() == [[1, 0], [0, 1]]
    with pytest.raises(DataError, match="0 or 1 is needed"):
        columns.encode([[1, 2]], "train")


def test_targets_of_a_regression():
    labels = label_set(ClassificationTask("toy", kind="regression"), [])
    assert (labels.outputs, labels.encode(["1.5", 2], "train").tolist()) == (1, [1.5, 2.0])
    for invalid in (None, "", "nan", float("inf"), "many"):
        with pytest.raises(DataError, match="row 1"):
            labels.encode([0, invalid], "train")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2,5", "3", "-0,125", " ,5 ", 4], [2.5, 3, -0.125, 0.5, 4]),
        (["1,250", "0,5"], [1.25, 0.5]),  # no thousands, since the second is none
        (["0,125"], [0.125]),
        (["1,250", "3,500"], None),
        (["2,5", "2.5"], None),
        (["1,250,000"], None),
        (["2,5", "many"], None),
    ],
)
def test_decimal_commas(values, expected):
    labels = label_set(ClassificationTask("toy", kind="regression"), [])
    if expected is not None:
        assert labels.encode(values, "train").tolist() == expected
    else:
        with pytest.raises(DataError, match=r"(A comma in a number can be that of thousands|'many')"):
            labels.encode(values, "train")
    with pytest.raises(DataError, match="fractions such as 2,5: for numeric targets"):
        label_set(TASK, ["2,5", "3", "3"])


def test_a_single_class_and_a_class_missing_in_train():
    labels = LabelSet(("a", "b", "c"))
    with pytest.raises(DataError, match=r"All 3 training examples have the label 'b'"):
        check_classes(labels, np.array([1, 1, 1]), {})
    with pytest.raises(DataError, match=r"dev split has the label 'c'"):
        check_classes(labels, np.array([0, 1]), {"dev": np.array([2, 0])})
    with pytest.raises(DataError, match=r"target 2"):
        check_classes(LabelSet((), "regression"), np.array([2.0, 2.0]), {})


def test_the_order_of_a_checkpoint_is_checked_by_name():
    """Checkpoints of MNLI differ in the order of their labels: read by id, an accuracy of 84% becomes 7%."""
    labels = LabelSet(("entailment", "neutral", "contradiction"))
    same = BertConfig(id2label=dict(enumerate(("ENTAILMENT", "NEUTRAL", "CONTRADICTION"))))
    check_label_order(labels, same, "some/model")
    check_label_order(labels, BertConfig(num_labels=3), "some/model")  # LABEL_0, …: names are not saved
    permuted = BertConfig(id2label=dict(enumerate(("contradiction", "entailment", "neutral"))))
    with pytest.raises(ModelError, match=r"\(contradiction, entailment, neutral\).*\(entailment, neutral.*new_head"):
        check_label_order(labels, permuted, "some/model")
    with pytest.raises(ModelError, match="2 without names"):
        check_label_order(labels, BertConfig(num_labels=2), "some/model")


def test_upper_and_lower_case_are_one_name_unless_they_tell_labels_apart():
    upper = BertConfig(id2label={0: "A", 1: "a"})
    check_label_order(LabelSet(("A", "a")), upper, "some/model")
    with pytest.raises(ModelError, match="same in another order"):
        check_label_order(LabelSet(("a", "A")), upper, "some/model")


def test_the_order_of_labels_without_names_must_be_declared():
    """In sorted order, an accuracy of 100% may become 0%."""
    unnamed = BertConfig(num_labels=3)
    names = ("negative", "neutral", "positive")
    for kind in ("single_label", "multi_label"):
        with pytest.raises(ModelError, match=r"LABEL_0.*is unknown.*sorted order.*Declare labels.*--labels neg"):
            check_label_order(LabelSet(names, kind, accepts_ids=False), unnamed, "some/model")
        declared = LabelSet(names, kind)
        check_label_order(declared, unnamed, "some/model")
        assert "LABEL_0 is negative, LABEL_1 is neutral" in declared_order_note(declared, unnamed, "some/model")
    ids = LabelSet(("0", "1", "2"), accepts_ids=False)
    check_label_order(ids, unnamed, "some/model")
    check_label_order(LabelSet((), "regression"), BertConfig(num_labels=1), "some/model")
    named = BertConfig(id2label=dict(enumerate(names)))
    assert declared_order_note(declared, named, "some/model") is None


def test_a_head_for_another_kind_of_task_is_refused():
    config = BertConfig(id2label={0: "a", 1: "b"}, problem_type="multi_label_classification")
    check_label_order(LabelSet(("a", "b"), "multi_label"), config, "some/model")
    with pytest.raises(ModelError, match=r"head for a multi_label task.*the task is single_label.*new_head"):
        check_label_order(LabelSet(("a", "b")), config, "some/model")


def test_label_names():
    assert [label_name(value) for value in (1, 1.0, "1", "1.0", np.int64(1), np.float64(1))] == ["1"] * 6
    assert label_name(" yes ") == "yes"
    assert label_name("") is None


def test_the_order_of_a_class_label_is_used():
    class_names = ("not_equivalent", "equivalent")
    labels = label_set(TASK, ["equivalent", "not_equivalent"], class_names)
    assert labels.names == class_names
    assert labels.encode([1, 0], "dev").tolist() == labels.encode(["equivalent", "not_equivalent"], "dev").tolist()


def test_ids_are_read_only_where_labels_are_declared():
    with pytest.raises(DataError, match="'0' in row 0"):
        label_set(TASK, [1, 2]).encode([0, 0], "dev")
    assert LabelSet(("False", "True")).encode([True, False], "dev").tolist() == [1, 0]
    with pytest.raises(DataError, match="multi_label"):
        LabelSet(("a", "b")).encode([["a"]], "dev")
