from dataclasses import replace

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from bert_finetune_kit import (
    ClassificationTask,
    ConfigError,
    DataError,
    LabelledSource,
    QuestionSource,
    TextSource,
)
from bert_finetune_kit.data.corpus import load_corpus
from bert_finetune_kit.data.labelled import label_values, load_labelled, separator_notes
from bert_finetune_kit.data.questions import load_questions
from bert_finetune_kit.tasks.registry import SAMPLE_TASK

TASK = ClassificationTask("toy")


def rows(count=20, **columns):
    return Dataset.from_dict(
        {"text": [f"text {n}" for n in range(count)], "label": [n % 2 for n in range(count)]} | columns
    )


def load(data, task=TASK, **settings):
    return load_labelled(task, LabelledSource(data, **settings))


def test_no_data_set_means_the_sample():
    with pytest.raises(DataError, match="has no dataset"):
        load_labelled(TASK, LabelledSource())
    data = load_labelled(SAMPLE_TASK, LabelledSource())
    assert (len(data.train), len(data.validation["validation"])) == (1500, 300)
    assert not set(data.train["text"]) & set(data.validation["validation"]["text"])


def test_without_a_validation_split_there_is_none():
    assert load(rows()).validation == {}


def test_several_validation_splits():
    task = ClassificationTask("toy", validation_splits=("matched", "mismatched"))
    data = load(DatasetDict(train=rows(), matched=rows(3), mismatched=rows(4)), task)
    assert {split: len(one) for split, one in data.validation.items()} == {"matched": 3, "mismatched": 4}
    with pytest.raises(DataError, match="no split 'mismatched'"):
        load(DatasetDict(train=rows(), matched=rows(3)), task)


def test_limits_and_a_data_set_of_its_own_for_validation():
    data = load(rows(), validation=rows(8), max_train_examples=6, max_validation_examples=5)
    assert (len(data.train), len(data.validation["validation"])) == (6, 5)


@pytest.mark.parametrize(
    ("data", "task", "message"),
    [
        (rows(), ClassificationTask("toy", text="texts"), r"no column 'texts' for the text \(did you mean 'text'\?\)"),
        (rows(), ClassificationTask("toy", label="stars"), "no column 'stars' for the label.*Columns: text"),
        (rows(id=list(range(20))), ClassificationTask("toy", text="id"), "'id' contains int64 instead of text"),
        (Dataset.from_dict({"text": ["1", "2.5"], "label": [0, 1]}), TASK, "contains numbers alone"),
        (Dataset.from_dict({"text": ["a", None, " "], "label": [0, 1, 0]}), TASK, r"2 of 3 texts .*rows 1, 2"),
        (DatasetDict(test=rows()), TASK, "no split 'train' in .*Available splits: test"),
    ],
)
def test_bad_data(data, task, message):
    with pytest.raises(DataError, match=message):
        load(data, task, validation=None if isinstance(data, DatasetDict) else rows())


def test_bad_settings():
    with pytest.raises(ConfigError, match="2 faults"):
        LabelledSource(validation_share=1.5, max_train_examples=0)


def test_class_labels_are_told_by_name():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    table = Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    assert label_values(table, TASK) == ["good", "bad", None]


def test_columns_of_labels():
    table = Dataset.from_dict({"text": ["a", "b"], "rude": [0, 1], "loud": [1, 1]})
    task = ClassificationTask("toy", label=("rude", "loud"), kind="multi_label")
    assert label_values(table, task) == [[0, 1], [1, 1]]


def test_labels_of_a_cell_are_separated():
    task = ClassificationTask("topics", kind="multi_label", label_separator=";")
    table = Dataset.from_dict({"text": ["a", "b", "c"], "label": ["news; sport", None, "news;"]})
    assert label_values(table, task) == [["news", "sport"], [], ["news"]]


def test_a_column_that_the_second_file_lacks_names_that_file(tmp_path):
    rows().to_csv(tmp_path / "train.csv")
    rows().rename_column("label", "stars").to_csv(tmp_path / "dev.csv")
    with pytest.raises(DataError, match=r"validation split of .*dev.csv: there is no column 'label' .*Set label="):
        load(str(tmp_path / "train.csv"), validation=str(tmp_path / "dev.csv"))


def test_token_ids_are_no_text():
    """The advice is one alone: no column is the right one."""
    ids = [{"input_ids": [1, 2], "label": 0}, {"input_ids": [1], "label": 1}]
    readers = (
        load,
        lambda rows: load_questions(QuestionSource(rows)),
        lambda rows: load_corpus(TextSource(rows)),
        lambda rows: load_corpus(TextSource(rows, text_column="text")),
    )
    for read in readers:
        with pytest.raises(DataError, match=r"Columns: input_ids.* The data are already tokenized") as raised:
            read(ids)
        assert "Set text" not in str(raised.value)
        assert "Needed are" not in str(raised.value)


TOPICS = ClassificationTask("topics", kind="multi_label", label_separator="|")


def test_another_separator_than_that_of_the_cells():
    table = rows(label=["news;sport" if n % 3 else "news" for n in range(20)])
    with pytest.raises(DataError, match=r"'\|', which stands in no cell of the column 'label'; ';' stands in 13 of 20"):
        separator_notes(table, TOPICS)
    assert separator_notes(table, replace(TOPICS, label_separator=";")) == []
    declared = replace(TOPICS, labels=("news;sport", "news"))
    note = "label_separator '|' stands in no cell of the column 'label': no row has several labels"
    assert separator_notes(table, declared) == [note]
    assert separator_notes(rows(label=["news"] * 19 + [None]), TOPICS) == [note]
    assert separator_notes(rows(label=["a|b;c"] + ["a"] * 19), TOPICS) == []
