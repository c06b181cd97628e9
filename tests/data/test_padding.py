import numpy as np
import pytest
import torch

from bert_finetune_kit.data.padding import (
    bucket_lengths,
    measured_padding,
    pad_rows,
    padded_length,
    padding_shares,
    span_mask,
)

ROWS = [np.array([5, 6, 7], np.int32), np.array([8], np.int32)]


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
    assert bucket_lengths(max_length) == expected


@pytest.mark.parametrize("max_length", range(5, 1025, 17))
def test_every_length_has_the_smallest_bucket_that_fits_it(max_length):
    lengths = bucket_lengths(max_length)
    assert len(lengths) <= 6
    assert list(lengths) == sorted(set(lengths))
    for longest in range(1, max_length + 1):
        padded = padded_length(longest, lengths)
        assert padded in lengths
        assert padded >= longest
        assert not any(longest <= length < padded for length in lengths)
        assert padded < 2 * longest or padded <= 32


def test_where_no_shape_is_compiled_a_batch_is_as_long_as_its_longest_sequence():
    assert padded_length(17, None) == 17


def test_rows_are_padded_to_one_array():
    padded = pad_rows(ROWS, 9, 4)
    assert padded.tolist() == [[5, 6, 7, 9], [8, 9, 9, 9]]
    assert padded.dtype == np.int64
    assert pad_rows(ROWS, 0, 3, batch=4).tolist() == [[5, 6, 7], [8, 0, 0], [0, 0, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="broadcast"):
        pad_rows(ROWS, 0, 2)


def test_span_masks():
    assert span_mask([3, 1], 4).tolist() == [[1, 1, 1, 0], [1, 0, 0, 0]]
    assert span_mask([3, 1], 4, starts=[1, 1]).tolist() == [[0, 1, 1, 0], [0, 0, 0, 0]]
    assert span_mask([3, 1], 4).dtype == np.int64


def test_shares_of_padding():
    lengths = np.array([4, 4, 8, 8])
    assert padding_shares(lengths, 16, 1) == {"padding_to_longest": 0.0, "padding_to_max_length": 1 - 6 / 16}
    assert padding_shares(lengths, 16, 4)["padding_to_longest"] == 1 - 24 / 32
    masks = [span_mask([4, 4, 8, 8], 8), torch.ones(2, 4, dtype=torch.int64)]
    assert measured_padding(masks) == 1 - 32 / 40
