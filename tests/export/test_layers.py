"""Which layers of a model are quantized."""

import pytest

from bert_finetune_kit import ConfigError
from bert_finetune_kit.export.layers import Quantized, check_kept, layer_names, to_keep

LAYERS = {
    "a": "bert.embeddings.word_embeddings",
    "b": "bert.encoder.layer.1.attention.self.query",
    "c": "bert.encoder.layer.10.output.dense",
    "d": "bert.pooler.dense",
    "e": "classifier",
}


def test_the_names_of_layers():
    expected = ["bert.embeddings", "bert.encoder.layer.1", "bert.encoder.layer.10", "bert.pooler", "classifier"]
    assert layer_names(LAYERS) == expected


def test_what_stays_in_fp32():
    assert to_keep(LAYERS, Quantized()) == []
    assert to_keep(LAYERS, Quantized(("encoder.layer.1",))) == ["b"]
    assert to_keep(LAYERS, Quantized(("encoder", "classifier"))) == ["b", "c", "e"]
    assert to_keep(LAYERS, Quantized(only="bert.pooler")) == ["a", "b", "c", "e"]


def test_a_layer_that_does_not_exist():
    check_kept(["layer.10.output"], LAYERS)
    with pytest.raises(ConfigError, match=r"keep_fp32 names 'layer.2', which is no layer.*pooler, classifier, or a"):
        check_kept(["layer.2"], LAYERS)
