"""Which layers of a model are quantized."""

import pytest
from small_encoders import small_encoder
from torch import nn

from bert_finetune_kit import ConfigError
from bert_finetune_kit.export.layers import Quantized, check_kept, layer_names, to_keep, weighted_modules

LAYERS = {
    "a": "bert.embeddings.word_embeddings",
    "b": "bert.encoder.layer.1.attention.self.query",
    "c": "bert.encoder.layer.10.output.dense",
    "d": "bert.pooler.dense",
    "e": "classifier",
}


def test_the_names_of_layers():
    expected = ["bert.embeddings", "bert.encoder.layer.1", "bert.encoder.layer.10", "bert.pooler", "classifier"]
    assert layer_names(LAYERS.values()) == expected


def test_what_stays_in_fp32():
    assert to_keep(LAYERS, Quantized()) == []
    assert to_keep(LAYERS, Quantized(("encoder.layer.1",))) == ["b"]
    assert to_keep(LAYERS, Quantized(("encoder", "classifier"))) == ["b", "c", "e"]
    assert to_keep(LAYERS, Quantized(only="bert.pooler")) == ["a", "b", "c", "e"]


def test_a_layer_that_does_not_exist():
    modules = list(LAYERS.values())
    check_kept(["layer.10.output"], modules)
    with pytest.raises(ConfigError, match=r"keep_fp32 names 'layer.2', which is no layer.*pooler, classifier, or a"):
        check_kept(["layer.2"], modules)
    near = r"'encodr.layer.1' and 'Pooler', which are no layers .*did you mean 'encoder.layer.1' or .*'pooler'"
    with pytest.raises(ConfigError, match=near):
        check_kept(["classifier", "encodr.layer.1", "Pooler"], modules)


@pytest.mark.parametrize("kept", [["bert", "classifier"], ["embeddings", "encoder", "pooler", "classifier"]])
def test_keeping_every_layer_is_no_quantization(kept):
    message = (
        f"keep_fp32 names {' and '.join(map(repr, kept))}, which are all layers that int8 changes.*nothing is left"
    )
    with pytest.raises(ConfigError, match=message):
        check_kept(kept, list(LAYERS.values()))
    check_kept(kept[:-1], list(LAYERS.values()))
    check_kept([], [])


@pytest.mark.parametrize("name", ["BertModel", "DistilBertModel", "ModernBertModel"])
def test_the_modules_that_int8_can_change(name):
    """Those with a matrix of weights: a norm has none, so that its name is no layer to keep."""
    model = small_encoder(name)
    kinds = {type(model.get_submodule(module)) for module in weighted_modules(model)}
    assert kinds == {nn.Linear, nn.Embedding}
    norm = next(name for name, module in model.named_modules() if isinstance(module, nn.LayerNorm))
    with pytest.raises(ConfigError, match="which is no layer"):
        check_kept([norm], weighted_modules(model))
