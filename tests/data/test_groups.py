import pytest
from datasets import Dataset

from bert_finetune_kit import DataError
from bert_finetune_kit.data.groups import group_values, shared_groups


def rows(*authors):
    return Dataset.from_dict({"author": list(authors)})


def test_groups_that_are_in_both_splits_are_told():
    assert shared_groups(rows("a", "b"), {"validation": rows("c", "c")}, "author") == []
    assert shared_groups(rows("a", "b"), {"dev": rows("b", "c", "b")}, "author") == [
        "1 of 2 groups (author) of the dev split are in train, too"
    ]


def test_a_group_that_is_not_there():
    with pytest.raises(DataError, match=r"no column 'autor' for the group \(did you mean 'author'\?\).*Set group="):
        group_values(rows("a"), "autor", "train")
    with pytest.raises(DataError, match=r"Row 1 \(counted from 0\) of the train split has no group"):
        group_values(rows("a", None), "author", "train")
