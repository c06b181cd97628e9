"""Packed weights give what `nn.Linear` gives, follow every change of a weight, and leave the model as it was."""

import copy
import pickle

import pytest
import torch
from torch import nn

from bert_finetune_kit.modeling import packed_linear
from bert_finetune_kit.modeling.packed_linear import PackedLinear, packed_linears

pytestmark = pytest.mark.skipif(
    not packed_linear._can_pack(nn.Linear(2, 2)), reason="needs an x86 processor with AVX2, and oneDNN"
)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(24, 40), nn.GELU(), nn.Linear(40, 3, bias=False)).eval()


def run(model, states, **autocast):
    with torch.inference_mode(), packed_linears(model), torch.autocast("cpu", **{"enabled": False, **autocast}):
        assert all(isinstance(layer, PackedLinear) for layer in model[::2])
        return model(states)


@pytest.mark.parametrize("shape", [(24,), (1, 24), (5, 7, 24), (0, 24)])
def test_outputs_equal_those_of_the_stock_layer(model, shape):
    states = torch.randn(shape)
    outputs = run(model, states)
    assert outputs.shape == (*shape[:-1], 3)
    torch.testing.assert_close(outputs, model(states), rtol=0, atol=1e-6)


def test_every_change_of_a_weight_is_seen(model):
    states = torch.randn(4, 24)
    run(model, states)
    changes = [
        lambda: nn.init.normal_(model[0].weight),
        lambda: model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()}),
        lambda: setattr(model[2], "weight", nn.Parameter(torch.randn(3, 40))),
        lambda: model[0].bias.data.add_(1),
        lambda: model.double().float(),
        *[lambda: model.bfloat16().float()] * 20,  # without keeping the weight, another one can be at its address
    ]
    for change in changes:
        change()
        torch.testing.assert_close(run(model, states), model(states), rtol=1e-5, atol=1e-5)


def test_under_autocast_products_are_in_bfloat16(model):
    states = torch.randn(6, 24)
    expected = model(states)
    with torch.autocast("cpu", torch.bfloat16):
        stock = model(states)
    packed = run(model, states, dtype=torch.bfloat16, enabled=True)
    assert packed.dtype == stock.dtype == torch.bfloat16
    torch.testing.assert_close(packed.float(), expected, rtol=0.02, atol=0.02)
    torch.testing.assert_close(run(model, states), expected, rtol=0, atol=1e-6)  # and in float32 after it


def test_the_model_is_left_as_it_was(model):
    states = torch.randn(2, 24)
    run(model, states)
    assert [type(layer) for layer in model] == [nn.Linear, nn.GELU, nn.Linear]
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(run(again, states), model(states), rtol=0, atol=1e-6)
    model(states).sum().backward()
    assert model[0].weight.grad is not None
    with pytest.raises(ZeroDivisionError), packed_linears(model):
        raise ZeroDivisionError
    assert type(model[0]) is nn.Linear


def test_packed_weights_go_with_their_model(model):
    states, before = torch.randn(2, 24), len(packed_linear._PACKED)
    run(model, states)
    assert len(packed_linear._PACKED) == before + 2
    model[0] = nn.Identity()
    assert len(packed_linear._PACKED) == before + 1


def test_where_weights_cannot_be_packed_the_layer_is_the_stock_one(model, monkeypatch):
    wide = copy.deepcopy(model).double()
    states = torch.randn(3, 24, dtype=torch.float64)
    assert torch.equal(run(wide, states), wide(states))
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    with packed_linears(model):
        assert type(model[0]) is nn.Linear
