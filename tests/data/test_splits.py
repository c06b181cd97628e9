import numpy as np
import pytest
from datasets import Dataset

from bert_finetune_kit import DataError
from bert_finetune_kit.data.splits import allot, hold_out, limit


def test_a_share_of_the_rows_is_held_out():
    kept, held_out = hold_out(20, 0.25)
    assert (len(kept), len(held_out)) == (15, 5)
    assert sorted([*kept, *held_out]) == list(range(20))
    assert hold_out(20, 0.25)[1].tolist() == held_out.tolist()


def test_whole_groups_are_held_out():
    groups = [f"article {number % 20}" for number in range(100)]
    kept, held_out = hold_out(groups, 0.2)
    held_out_groups = {groups[row] for row in held_out}
    assert len(held_out_groups) == 4
    assert held_out_groups.isdisjoint(groups[row] for row in kept)
    assert sorted([*kept, *held_out]) == list(range(100))


def test_rows_and_groups_of_one_row_are_held_out_alike():
    for by_row, by_group in zip(hold_out(30, 0.1), hold_out([str(row) for row in range(30)], 0.1), strict=True):
        assert by_row.tolist() == by_group.tolist()


def test_at_least_the_fewest_are_held_out_and_one_is_kept():
    assert len(hold_out(10, 0.05, min_items=2)[1]) == 2
    assert [len(rows) for rows in hold_out(5, 0.99)] == [1, 4]
    with pytest.raises(DataError, match=r"train split has 1 example: at least 2 are needed"):
        hold_out(1, 0.25)
    with pytest.raises(DataError, match=r"2 documents: at least 3 are needed"):
        hold_out(2, 0.25, unit="document", min_items=2)


def test_the_first_rows():
    rows = Dataset.from_dict({"text": list("abc")})
    assert limit(rows, 2)["text"][:] == ["a", "b"]
    assert len(limit(rows, 9)) == len(limit(rows, None)) == 3


def test_every_label_has_its_share():
    labels = ["frequent"] * 90 + ["rare"] * 9 + ["once"]
    kept, held_out = hold_out(100, 0.1, strata=labels)
    assert sorted(labels[row] for row in held_out) == ["frequent"] * 9 + ["rare"]
    assert sorted([*kept, *held_out]) == list(range(100))
    assert "once" in [labels[row] for row in kept]


def test_labels_that_are_all_different_or_all_the_same_change_nothing():
    expected = hold_out(30, 0.1)[1].tolist()
    assert hold_out(30, 0.1, strata=["same"] * 30)[1].tolist() == expected
    assert hold_out(30, 0.1, strata=list(range(30)))[1].tolist() == expected


def test_groups_are_held_out_as_a_whole_by_their_most_frequent_label():
    groups = [row // 5 for row in range(100)]
    labels = ["rude" if group % 4 == 0 and row % 5 else "kind" for row, group in enumerate(groups)]
    held_out = hold_out(groups, 0.2, strata=labels)[1]
    chosen = {groups[row] for row in held_out}
    assert len(held_out) == 5 * len(chosen) == 20
    assert sum(group % 4 == 0 for group in chosen) == 1


@pytest.mark.parametrize(
    ("sizes", "wanted", "expected"),
    [
        ([50, 50], 5, [3, 2]),
        ([1, 3], 2, [0, 2]),
        ([1, 1, 1, 3], 3, [1, 0, 0, 2]),
        ([1, 1, 1], 2, [1, 1, 0]),
        ([2, 2], 3, [2, 1]),
        ([7], 7, [7]),
    ],
)
def test_shares_are_allotted_by_largest_remainders(sizes, wanted, expected):
    """Of a label with a single row none is held out, as long as the others have enough."""
    assert allot(np.array(sizes), wanted).tolist() == expected
