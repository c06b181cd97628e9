"""Token ids in Arrow columns, whatever the chunks that a column is stored in."""

import pickle
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset

from bert_finetune_kit.data.tokenized import ListColumn, TokenizedTexts, list_lengths, tokenize_texts

ROWS = [[1, 2], [], [3], [4, 5, 6], [], [7]]


def column(*borders):
    """Return the rows as a column whose chunks are slices of one array, as those of a selection in a file."""
    values = pa.array([[9, 9, 9], *ROWS, [8]], pa.list_(pa.int32()))
    edges = [1, *(border + 1 for border in borders), len(ROWS) + 1]
    return pa.chunked_array([values[low:high] for low, high in pairwise(edges)])


@pytest.mark.parametrize("borders", [(), (2,), (1, 4), (3, 3), (0, 6)])
def test_rows_of_a_column_of_several_chunks(borders):
    rows = ListColumn(column(*borders))
    assert [rows.row(index).tolist() for index in range(len(ROWS))] == ROWS
    assert np.concatenate(rows.values).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert list_lengths(column(*borders)).tolist() == [2, 0, 1, 3, 0, 1]


def test_rows_are_views():
    values = ListColumn(column()).row(3)
    assert not values.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1


def texts(**columns):
    return TokenizedTexts(Dataset.from_dict(columns))


@pytest.mark.parametrize("pairs", [False, True])
def test_texts_and_pairs_of_texts(pairs):
    further = {"text_pair": [[3, 3], [4], []]} if pairs else {}
    tokenized = texts(text=[[1, 2, 3], [], [3]], **further)
    for copy in (tokenized, pickle.loads(pickle.dumps(tokenized))):
        assert copy.are_pairs is pairs
        assert len(copy) == 3
        assert copy.lengths.tolist() == ([5, 1, 1] if pairs else [3, 0, 1])
        assert copy.count(3) == (4 if pairs else 2)
        assert copy.count(7) == 0
    first, second = tokenized.subset(np.array([2, 0]))[1]
    assert first.tolist() == [1, 2, 3]
    assert (second.tolist() if pairs else second) == ([3, 3] if pairs else None)


def test_texts_are_tokenized_as_by_the_tokenizer(tokenizer):
    words = ["the mill opens", "", "a dog , a cat"]
    rows = Dataset.from_dict({"first": words, "second": words[::-1], "other": [1, 2, 3]})
    tokenized = tokenize_texts(rows, "first", "second", tokenizer)
    expected = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in words]
    assert [tokenized[index][0].tolist() for index in range(3)] == expected
    assert [tokenized[index][1].tolist() for index in range(3)] == expected[::-1]
