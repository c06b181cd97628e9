"""Orders that are computed place by place: every number once, no two alike, and no pattern."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, spearmanr

from bert_finetune_kit.data import permutation
from bert_finetune_kit.data.permutation import random_permutation


@pytest.fixture
def computed(monkeypatch):
    """Compute orders of any length."""
    monkeypatch.setattr(permutation, "_LISTED", 0)


def order(count, seed=0):
    return random_permutation(count, np.random.default_rng(seed))(np.arange(count))


@settings(deadline=None, max_examples=60)
@given(count=st.integers(1, 5000), seed=st.integers(0, 2**32))
def test_every_number_stands_at_one_place(count, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(permutation, "_LISTED", 0)
        assert np.array_equal(np.sort(order(count, seed)), np.arange(count))


@pytest.mark.usefixtures("computed")
@pytest.mark.parametrize("count", [2**16, 2**16 + 1, 2**17 - 1, 100_003])
def test_sizes_around_powers_of_two(count):
    assert np.array_equal(np.sort(order(count)), np.arange(count))


@pytest.mark.usefixtures("computed")
def test_all_orders_of_four_are_equally_likely():
    counts = np.unique([order(4, seed) @ [64, 16, 4, 1] for seed in range(4800)], return_counts=True)[1]
    assert len(counts) == 24
    statistic = ((counts - 200) ** 2 / 200).sum()
    assert chi2.sf(statistic, 23) > 1e-3


@pytest.mark.usefixtures("computed")
def test_an_order_has_no_pattern_and_changes_with_the_seed():
    places, first, second = np.arange(50_000), order(50_000), order(50_000, seed=1)
    for one, other in ((places, first), (first, second), (first[:-1], first[1:])):
        assert abs(spearmanr(one, other).statistic) < 4 / np.sqrt(len(places))
    assert (first == places).sum() < 10  # one on average
    quarters = np.bincount(first[::32] * 4 // 50_000, minlength=4)
    assert chi2.sf(((quarters - quarters.mean()) ** 2 / quarters.mean()).sum(), 3) > 1e-3


def test_a_thousand_million_need_no_list():
    long = random_permutation(10**9, np.random.default_rng(0))
    ends = np.concatenate([np.arange(100_000), np.arange(10**9 - 100_000, 10**9)])
    numbers = long(ends)
    assert len(np.unique(numbers)) == len(ends)
    assert numbers.min() >= 0
    assert numbers.max() < 10**9
    assert np.array_equal(long(ends[::7]), numbers[::7])


def test_a_short_order_is_that_of_the_generator():
    assert np.array_equal(order(1000), np.random.default_rng(0).permutation(1000))
