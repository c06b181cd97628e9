"""Rows in memory as a `Dataset`."""

import pandas as pd
import pytest

from bert_finetune_kit import DataError
from bert_finetune_kit.data.in_memory import as_dataset
from bert_finetune_kit.data.tables import open_tables


def test_rows_and_frames():
    rows = [{"text": "a"}, {"text": "b", "label": "x"}]
    assert as_dataset(rows).to_list() == [{"text": "a", "label": None}, {"text": "b", "label": "x"}]
    frame = pd.DataFrame(rows, index=[7, 9])
    assert as_dataset(frame).to_list() == as_dataset(rows).to_list()
    assert open_tables(frame).pick_first().column_names == ["text", "label"]
    assert len(open_tables([{"text": "a"}]).pick_first()) == 1
    paths = ["a.csv", "b.csv"]
    assert as_dataset(paths) is paths


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"text": "a"}, "b"], "Item 1 of the list is 'b'"),
        ([{"text": "a"}, {"text": [1]}], "not of one type"),
        (pd.DataFrame({"text": ["a", 1.5]}), "The DataFrame has a column whose values are not of one type"),
        ([{"text": "\ud83d"}], "lone surrogate"),
    ],
)
def test_rows_that_fit_no_table(given, message):
    with pytest.raises(DataError, match=message):
        as_dataset(given)
