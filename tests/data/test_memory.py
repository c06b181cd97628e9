import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

from bert_finetune_kit import ClassificationTask, ConfigError, DataError, LabelledSource, QuestionSource, TextSource
from bert_finetune_kit.data.corpus import load_corpus
from bert_finetune_kit.data.groups import group_values
from bert_finetune_kit.data.labelled import load_labelled
from bert_finetune_kit.data.memory import as_dataset
from bert_finetune_kit.data.questions import load_questions
from bert_finetune_kit.data.sources import as_source
from bert_finetune_kit.data.tables import open_tables

ROWS = [{"text": "a", "label": 1}, {"text": "b", "label": 0, "author": "x"}]


def test_dicts_are_rows_with_all_of_their_keys():
    table = as_dataset(ROWS)
    assert table.to_list() == [{"text": "a", "label": 1, "author": None}, {"text": "b", "label": 0, "author": "x"}]
    assert as_dataset(ROWS[:1])["text"][:] == ["a"]
    assert open_tables(ROWS)["train"]["author"][:] == [None, "x"]


def test_a_data_frame():
    frame = pd.DataFrame({"text": ["a", None], "label": pd.Categorical(["no", "yes"]), 3: [1, 2]}, index=[7, 9])
    assert as_dataset(frame).to_list() == [{"text": "a", "label": "no", "3": 1}, {"text": None, "label": "yes", "3": 2}]
    assert open_tables(frame, "validation").pick_first("validation")["label"][:] == ["no", "yes"]


def test_empty_cells_of_a_data_frame_in_dicts():
    frame = pd.DataFrame({"text": ["a", None], "label": [1, float("nan")]})
    rows = [{"text": "a", "label": 1.0}, {"text": None, "label": None}]
    assert as_dataset(frame.to_dict("records")).to_list() == as_dataset(frame).to_list() == rows
    assert as_dataset([{"text": "a"}, {"text": float("nan")}])["text"][:] == ["a", None]


@pytest.mark.parametrize("given", ["a.csv", ["a.csv"], ["a", "b"], Dataset.from_list(ROWS), None, [], 3])
def test_what_is_no_such_data_stays_as_it_is(given):
    assert as_dataset(given) is given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"text": "a"}, "b.csv"], r"Item 1 of the list \(counted from 0\) is a str, and others are dicts"),
        ({"text": ["a", "b"], "label": [1]}, r"columns of several lengths \(text 2, label 1\)"),
        ({"text": ["a"], "label": 1}, "a dict, and 'label' in it is of type int"),
        ({}, "an empty dict"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "the column 'text' twice"),
    ],
)
def test_rows_that_are_no_table(given, message):
    with pytest.raises(DataError, match=message):
        as_dataset(given)


MIXED = [{"text": "a", "label": 1, "x": 1, "y": "b"}, {"text": "b", "label": 0, "x": "one", "y": {3, 4}}]


@pytest.mark.parametrize("form", [list, pd.DataFrame, lambda rows: pd.DataFrame(rows).to_dict("list")])
def test_a_column_that_nobody_named_does_no_harm(form):
    """Whatever its values are; one that is named is refused."""
    table = as_dataset(form(MIXED))
    assert (table["text"][:], table["label"][:]) == (["a", "b"], [1, 0])
    assert table["text"][:] == load_labelled(ClassificationTask("toy"), LabelledSource(form(MIXED))).train["text"][:]
    for column, kinds in {"x": "int, str", "y": "set, str"}.items():
        message = rf"The column '{column}' of the data in memory has values of several types \({kinds}\)"
        with pytest.raises(DataError, match=message):
            load_labelled(ClassificationTask("toy", label=column), LabelledSource(form(MIXED)))
        with pytest.raises(DataError, match=message):
            load_labelled(ClassificationTask("toy", text=column), LabelledSource(form(MIXED)))
        with pytest.raises(DataError, match=message):
            group_values(table, column, "train")
        with pytest.raises(DataError, match=message):
            load_corpus(TextSource(form(MIXED), text_column=column))
    questions = [{"question": "a ?", "context": "b", "answers": row["x"]} for row in MIXED]
    with pytest.raises(DataError, match="The column 'answers' of the data"):
        load_questions(QuestionSource(form(questions)))


@pytest.mark.parametrize(
    "form", [list, tuple, np.array, pd.Series, lambda values: Dataset.from_dict({"a": values})["a"]]
)
def test_a_dict_of_columns(form):
    table = as_dataset({"text": form(["a", "b"]), "label": form([1.0, float("nan")]), 3: form([1, 2])})
    assert table.to_list() == [{"text": "a", "label": 1.0, "3": 1}, {"text": "b", "label": None, "3": 2}]


def test_a_dict_of_splits(tmp_path):
    """Rows in any form, and files; of an object that `json.load` returns, the rows under `data`."""
    Dataset.from_list(ROWS).to_csv(tmp_path / "a.csv")
    for rows in (ROWS, pd.DataFrame(ROWS), {"text": ["a", "b"]}, Dataset.from_list(ROWS), str(tmp_path / "a.csv")):
        splits = open_tables({"train": rows, "dev": tmp_path / "a.csv", "other": ROWS[:1]})
        assert list(splits) == ["train", "dev", "other"]
        assert [len(splits[name]) for name in splits] == [2, 2, 1]
        assert splits["train"]["text"][:] == splits["dev"]["text"][:] == ["a", "b"]
    assert isinstance(as_dataset({"train": ROWS, "test": ROWS}), DatasetDict)
    assert as_dataset({"version": "2", "data": ROWS})["text"][:] == ["a", "b"]


@pytest.mark.parametrize("given", [[("a", 1), ("b", 0)], (["a", "b"], [1, 0]), [["a", 1]]])
def test_rows_without_names_of_columns(given):
    for use in (LabelledSource, QuestionSource, TextSource, open_tables):
        with pytest.raises(DataError, match=r"a list of (tuple|list)s, which do not name their columns.*list of dicts"):
            use(given)


def test_a_source_holds_rows_in_memory_as_a_table():
    source = LabelledSource(ROWS[:1], validation=pd.DataFrame(ROWS))
    assert (len(source.train), len(source.validation)) == (1, 2)


def test_data_become_a_source():
    assert as_source(LabelledSource, "a.csv", "b.csv") == LabelledSource("a.csv", validation="b.csv")
    source = LabelledSource("a.csv", max_train_examples=3)
    assert as_source(LabelledSource, source) is source
    assert as_source(LabelledSource, source, "b.csv") == LabelledSource("a.csv", "b.csv", max_train_examples=3)
    with pytest.raises(ConfigError, match="validation is given twice"):
        as_source(LabelledSource, LabelledSource("a.csv", "b.csv"), "c.csv")
    with pytest.raises(ConfigError, match="is a QuestionSource: this recipe takes a LabelledSource"):
        as_source(LabelledSource, QuestionSource("a.json"))
    with pytest.raises(ConfigError, match="nothing to train on"):
        as_source(QuestionSource, None, "b.json")
