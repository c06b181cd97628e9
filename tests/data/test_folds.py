"""Folds: every row is in one, nothing that belongs together is in two, and each has its share of every stratum."""

import numpy as np
import pytest

from bert_finetune_kit import DataError
from bert_finetune_kit.data.folds import assign_folds, join_groups, rarest_labels, same_text, target_bins


def shares(assigned, strata, folds):
    return np.array(
        [[(strata[assigned == fold] == value).sum() for value in np.unique(strata)] for fold in range(folds)]
    )


@pytest.mark.parametrize(("count", "folds"), [(100, 5), (101, 5), (7, 7), (10, 3)])
def test_every_fold_has_its_share_of_rows_and_of_each_stratum(count, folds):
    strata = np.random.default_rng(0).integers(2, size=count)
    assigned = assign_folds(np.arange(count), folds, strata)
    assert np.ptp(np.bincount(assigned, minlength=folds)) <= 2
    assert (np.ptp(shares(assigned, strata, folds), axis=0) <= 1).all()


def test_the_folds_are_shuffled_and_the_same_each_time():
    strata = np.zeros(60, np.int64)
    assigned = assign_folds(np.arange(60), 3, strata)
    assert (assigned == assign_folds(np.arange(60), 3, strata)).all()
    assert len(set(assigned[:20].tolist())) == 3  # and not the first third of the file


def test_repeated_texts_are_in_one_fold_whatever_their_labels():
    texts = [f"text {number % 25}" for number in range(75)]
    units = join_groups(same_text(texts))
    assigned = assign_folds(units, 5, np.random.default_rng(0).integers(3, size=75))
    assert all(len(set(assigned[units == unit].tolist())) == 1 for unit in range(25))
    assert np.bincount(assigned).tolist() == [15] * 5


def test_texts_are_the_same_whatever_their_case_and_white_space():
    assert join_groups(same_text(["A  good one", "a good one ", "another"], ["x", "X", "x"])).tolist() == [0, 0, 1]
    assert join_groups(same_text(["a", "a"], ["b", "c"])).tolist() == [0, 1]


def test_groups_that_share_a_text_are_one():
    groups = ["ada", "ada", "ben", "ben", "cleo", "dora"]
    assert join_groups(["1", "2", "2", "3", "3", "4"], groups).tolist() == [0, 0, 0, 0, 0, 1]
    assert join_groups(["1", "2", "3", "4", "5", "6"], groups).tolist() == [0, 0, 1, 1, 2, 3]


def test_groups_of_any_size_are_in_one_fold_and_strata_are_spread():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(40), rng.integers(1, 12, size=40))
    strata = rng.integers(2, size=len(units))
    assigned = assign_folds(units, 5, strata, unit="group", are_groups=True)
    assert all(len(set(assigned[units == unit].tolist())) == 1 for unit in range(40))
    assert np.ptp(np.bincount(assigned, minlength=5)) < 0.2 * len(units) / 5
    of_fold = shares(assigned, strata, 5)
    assert np.ptp(of_fold[:, 1] / of_fold.sum(1)) < 0.15


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("are_groups", [False, True])
def test_strata_with_fewer_rows_than_folds_are_divided_together(are_groups):
    strata = np.array([0] * 20 + [1, 2, 3, 4, 5] + [6])
    assigned = assign_folds(np.arange(26), 5, strata, are_groups=are_groups)
    assert np.ptp(np.bincount(assigned[:20])) == 0
    assert sorted(np.bincount(assigned).tolist()) == [5, 5, 5, 5, 6]
    assert np.bincount(assign_folds(np.arange(6), 3, np.arange(6), are_groups=are_groups)).tolist() == [2, 2, 2]


@pytest.mark.parametrize("are_groups", [False, True])
def test_fewer_rows_or_groups_than_folds_are_refused(are_groups):
    units = np.array([0, 0, 1, 1, 2, 2])
    with pytest.raises(
        DataError, match="4 folds need at least as many authors, and the train split has 3: set folds to 3"
    ):
        assign_folds(units, 4, np.zeros(6, np.int64), unit="author", are_groups=are_groups)


def test_rows_with_several_labels_count_as_their_rarest():
    indicators = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0], [1, 1, 0]], np.float32)
    assert rarest_labels(indicators).tolist() == [1, 0, 2, 3, 1]


def test_targets_are_divided_by_quantiles():
    targets = np.random.default_rng(0).exponential(size=200)
    bins = target_bins(targets, 5)
    assert np.bincount(bins).tolist() == [20] * 10
    assert all(targets[bins == number].max() <= targets[bins == number + 1].min() for number in range(9))
    assert target_bins(targets[:12], 5).max() == 1
    assigned = assign_folds(np.arange(200), 5, bins)
    means = [targets[assigned == fold].mean() for fold in range(5)]
    assert np.std(means) < np.std([targets[start::5].mean() for start in range(5)]) + 0.02
