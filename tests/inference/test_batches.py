"""Batches of similar length, and a model that is left in its mode."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from bert_finetune_kit import DeviceMemoryError
from bert_finetune_kit.contract import call_model
from bert_finetune_kit.inference.batches import run_batches
from bert_finetune_kit.inference.memory import is_out_of_memory


class Doubling(nn.Module):
    device = "cpu"

    def forward(self, values):
        assert not self.training
        return SimpleNamespace(doubled=values * 2)


def collate(batch):
    return {"values": torch.tensor(batch)}


@pytest.mark.parametrize("training", [True, False])
def test_all_examples_once_the_longest_first(training):
    model = Doubling().train(training)
    examples, lengths = [10, 11, 12, 13, 14], np.array([2, 9, 2, 5, 9])
    batches = list(run_batches(model, examples, lengths, collate, 2, call_model))
    assert [indices.tolist() for indices, _ in batches] == [[1, 4], [3, 0], [2]]
    assert [output.doubled.tolist() for _, output in batches] == [[22, 28], [26, 20], [24]]
    assert model.training == training


def test_an_abandoned_model_is_put_back_into_its_mode():
    model = Doubling().train()
    batches = run_batches(model, [1, 2], np.array([1, 1]), collate, 1, call_model)
    next(batches)
    assert not torch.is_inference_mode_enabled()  # where its caller computes with the outputs
    batches.close()
    assert model.training


def test_the_next_batch_is_made_before_the_outputs_of_one_are_read():
    """A GPU computes meanwhile; those after it are not made yet."""
    made = []
    batches = run_batches(
        Doubling(), [1, 2, 3], np.ones(3), lambda batch: made.append(batch) or collate(batch), 1, call_model
    )
    next(batches)
    assert made == [[1], [2]]
    assert len(list(batches)) == 2
    assert made == [[1], [2], [3]]


class Exhausting(Doubling):
    def forward(self, values):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nSee the documentation.")


@pytest.mark.parametrize(
    ("batch_size", "advice"),
    [(6, r"is 6, try 3 \(--per_device_eval_batch_size 3\)"), (1, "is 1 already; lower max_len")],
)
def test_a_prediction_that_runs_out_of_memory_says_what_needs_less(batch_size, advice):
    batches = run_batches(Exhausting(), [1, 2], np.array([1, 1]), collate, batch_size, call_model)
    with pytest.raises(DeviceMemoryError, match=rf"prediction on cpu ran out of memory.*{advice}.*20.00 MiB\.$"):
        next(batches)


def test_what_devices_say_without_memory():
    with pytest.raises(RuntimeError) as allocated:
        torch.empty(1 << 60, dtype=torch.int8)
    for error in (
        allocated.value,
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.9 GB)"),
        RuntimeError("RESOURCE_EXHAUSTED: Attempting to reserve 1.2G at the bottom of memory."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ):
        assert is_out_of_memory(error)
    for error in (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory")):
        assert not is_out_of_memory(error)
