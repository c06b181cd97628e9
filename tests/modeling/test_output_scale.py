"""A new regression head learns standardized targets, and its checkpoints are stock."""

import copy
import math

import pytest
import torch
from torch import nn

from bert_finetune_kit.modeling.output_scale import scale_output


def layer_of(mean, std):
    torch.manual_seed(0)
    layer = nn.Linear(8, 1)
    factor = scale_output(layer, mean, std)
    return layer, factor


@pytest.mark.parametrize(("std", "factor"), [(1.47, 2.0), (1.0, 1.0), (0.3, 0.25), (1400.0, 1024.0), (0.0, 1.0)])
def test_the_factor_is_the_power_of_two_that_is_closest(std, factor):
    assert layer_of(2.7, std)[1] == factor
    assert not std or abs(math.log2(factor / std)) <= 0.5


def test_outputs_start_around_the_mean():
    layer, factor = layer_of(2.7, 1.47)
    assert layer(torch.zeros(3, 8)).flatten().tolist() == pytest.approx([2.7] * 3)
    plain = copy.deepcopy(layer)
    plain._forward_hooks.clear()
    inputs = torch.randn(5, 8)
    assert torch.equal(layer(inputs), plain(inputs) * factor)


@pytest.mark.parametrize("copied", [False, True])
def test_a_saved_layer_is_a_stock_one(copied):
    layer, _ = layer_of(2.7, 1400.0)
    layer = copy.deepcopy(layer) if copied else layer  # as peft does with heads
    stock = nn.Linear(8, 1)
    stock.load_state_dict(layer.state_dict())
    inputs = torch.randn(50, 8)
    torch.testing.assert_close(stock(inputs), layer(inputs))
    assert not any(value.requires_grad for value in layer.state_dict().values())


def test_a_loaded_layer_has_the_same_bits():
    module = nn.Sequential(nn.Linear(8, 8), layer_of(2.7, 0.3)[0])
    other = nn.Sequential(nn.Linear(8, 8), layer_of(0.0, 0.3)[0])
    saved = module.state_dict()
    other.load_state_dict(saved)
    assert all(torch.equal(*pair) for pair in zip(module.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(saved[name], value) for name, value in module.state_dict().items())  # not changed by loading


def test_a_layer_without_bias():
    layer = nn.Linear(8, 1, bias=False)
    assert scale_output(layer, 2.7, 4.0) == 4
    assert list(layer.state_dict()) == ["weight"]
