"""The lengths that batches may have where each shape is compiled."""

import pytest

from bert_finetune_kit.data.buckets import bucket_of, buckets


@pytest.mark.parametrize(
    ("max_length", "expected"),
    [
        (512, (32, 64, 128, 256, 512)),
        (384, (32, 64, 128, 256, 384)),
        (128, (32, 64, 128)),
        (33, (32, 33)),
        (32, (32,)),
        (5, (5,)),
    ],
)
def test_powers_of_two_and_the_longest(max_length, expected):
    assert buckets(max_length) == expected


@pytest.mark.parametrize("max_length", range(5, 1025, 17))
def test_every_length_has_the_least_bucket_that_holds_it(max_length):
    lengths = buckets(max_length)
    assert len(lengths) <= 6
    assert list(lengths) == sorted(set(lengths))
    for longest in range(1, max_length + 1):
        padded = bucket_of(longest, lengths)
        assert padded in lengths
        assert padded >= longest
        assert not any(longest <= length < padded for length in lengths)
        assert padded < 2 * longest or padded <= 32


def test_where_no_shape_is_compiled_a_batch_is_as_long_as_its_longest_sequence():
    assert bucket_of(17, None) == 17
