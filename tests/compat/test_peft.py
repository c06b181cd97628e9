"""Names and attributes of peft that the package uses are there, and mean what is expected of them."""

import pytest
import torch
from torch import nn

from bert_finetune_kit.compat.peft import adapter_deltas, is_adapter, is_original_module, unwrapped_name

peft = pytest.importorskip("peft")


@pytest.fixture
def stock():
    return nn.ModuleDict({"query": nn.Linear(4, 4), "head": nn.Linear(4, 2)})


@pytest.fixture
def wrapped(stock):
    config = peft.LoraConfig(r=2, target_modules=["query"], modules_to_save=["head"])
    model = peft.get_peft_model(stock, config)
    nn.init.normal_(model.base_model.model["query"].lora_B["default"].weight)
    return model


def test_parameter_names(wrapped):
    names = [name for name, _ in wrapped.named_parameters()]
    stock_names = {unwrapped_name(name) for name in names if not is_adapter(name) and not is_original_module(name)}
    assert stock_names == {"query.weight", "query.bias", "head.weight", "head.bias"}
    assert sum(map(is_adapter, names)) == 2, "matrices of LoRA are no longer named .lora_A and .lora_B"
    assert sum(map(is_original_module, names)) == 2, "the untouched copy is no longer named .original_module"


def test_layers_of_lora(wrapped):
    layer = wrapped.base_model.model["query"]
    for name in ("get_delta_weight", "base_layer", "merged", "active_adapters"):
        assert hasattr(layer, name), f"{type(layer).__name__}.{name} is gone"


def test_deltas(wrapped):
    names = dict(wrapped.named_parameters())
    [(name, delta)] = adapter_deltas(wrapped).items()
    before = names[name].detach().clone()
    product = delta()
    wrapped.merge_adapter()
    torch.testing.assert_close(names[name].detach(), before + product)
    assert delta() == 0  # the merged weight contains the product
