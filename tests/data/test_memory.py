import pandas as pd
import pytest
from datasets import Dataset

from bert_finetune_kit import ConfigError, DataError, LabelledSource, QuestionSource
from bert_finetune_kit.data.memory import as_dataset
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
        ([{"text": "a", "label": 1}, {"text": "b", "label": "x"}], r"column 'label' .* several types \(int, str\)"),
        (pd.DataFrame({"text": ["a", 3]}), r"column 'text' .* several types \(int, str\)"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "the column 'text' twice"),
    ],
)
def test_rows_that_are_no_table(given, message):
    with pytest.raises(DataError, match=message):
        as_dataset(given)


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
