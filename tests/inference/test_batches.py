"""Batches of similar length, and a model that is left in its mode."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from bert_finetune_kit.contract import call_model
from bert_finetune_kit.inference.batches import run_batches


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
    batches.close()
    assert model.training
