"""Outputs of an evaluation against what the Trainer's own container makes of them."""

import numpy as np
import pytest
import torch
from transformers.trainer_pt_utils import EvalLoopContainer

from bert_finetune_kit.training.outputs import OutputBuffers, RowBuffer

BATCHES = [
    (torch.randn(rows, generator=torch.Generator().manual_seed(rows)), torch.arange(rows * 6).view(rows, 3, 2))
    for rows in (4, 4, 9, 1, 4)
]


@pytest.mark.parametrize("steps_on_device", [None, 1, 2, 7])
def test_they_are_those_of_the_trainer(steps_on_device):
    buffers, container = OutputBuffers(steps_on_device), EvalLoopContainer(True, padding_index=-100)
    for batch in BATCHES:
        buffers.append(batch)
        container.add(batch)
    for values, expected in zip(buffers.arrays(), container.get_arrays(), strict=True):
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected)


def test_rows_of_different_widths_are_padded():
    batches = [torch.ones(2, 3), 2 * torch.ones(3, 5), 3 * torch.ones(2, 4)]
    buffers, container = OutputBuffers(2), EvalLoopContainer(True, padding_index=-100)
    for batch in batches:
        buffers.append([batch])
        container.add(batch)
    np.testing.assert_array_equal(buffers.arrays()[0], container.get_arrays())


def test_rows_without_a_sign():
    buffer = RowBuffer()
    for value in (True, False, True):
        buffer.append(torch.full((3,), value))
    assert buffer.rows.tolist() == [True] * 3 + [False] * 3 + [True] * 3
    buffer = RowBuffer()
    buffer.append(torch.ones(1, 2, dtype=torch.uint8))
    assert buffer.rows.tolist() == [[1, 1]]


def test_a_buffer_moves_seldom():
    buffer, places = RowBuffer(), set()
    for _ in range(1000):
        buffer.append(torch.ones(2, 3))
        places.add(buffer.rows.data_ptr())
    assert buffer.rows.shape == (2000, 3)
    assert len(places) < 12


def test_without_batches_there_is_nothing_and_16_bits_become_32():
    assert OutputBuffers().arrays() == ()
    buffers = OutputBuffers()
    buffers.append([torch.ones(2, dtype=torch.bfloat16)])
    assert buffers.arrays()[0].dtype == np.float32
