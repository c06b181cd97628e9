"""Counts against the published ones of bert-base-uncased."""

import pytest
import torch
import transformers
from transformers import BertConfig

from bert_finetune_kit import BERT_SIZES, ConfigError, parameter_report
from bert_finetune_kit.modeling.loading import sized_config
from bert_finetune_kit.modeling.parameters import count_parameters


@pytest.fixture(scope="module")
def base():
    return parameter_report(BertConfig())


def test_bert_base_uncased(base):
    assert base.total == base.trainable == 109_482_240
    assert base["embeddings.word_embeddings"].total == 23_440_896
    assert base["embeddings.position_embeddings"].total == 393_216
    assert base["embeddings.token_type_embeddings"].total == 1_536
    assert {base[f"encoder.layer.{number}"].total for number in range(12)} == {7_087_872}
    assert base["pooler"].total == 590_592
    with pytest.raises(KeyError, match="decoder"):
        base["decoder"]


@pytest.mark.parametrize(
    ("head", "total"),
    [
        (transformers.BertForSequenceClassification, 109_483_778),
        (transformers.BertForQuestionAnswering, 108_893_186),
        # the encoder with its pooler, and 24 M of the MLM head of which 23.4 M are the tied embeddings
        (transformers.BertForPreTraining, 109_482_240 + 768 * 768 + 768 + 2 * 768 + 30_522 + 2 * 768 + 2),
    ],
)
def test_heads(head, total):
    with torch.device("meta"):
        model = head(BertConfig())
    assert parameter_report(model).total == total == sum(parameter.numel() for parameter in model.parameters())


def test_tied_weights_count_once():
    model = transformers.BertForPreTraining(sized_config("tiny", 1000))
    report = parameter_report(model)
    decoder = report["cls.predictions.decoder"]
    assert (decoder.total, decoder.tied) == (0, 128 * 1000 + 1000)
    assert report.tied == decoder.tied


def test_count_parameters():
    model = transformers.BertForPreTraining(sized_config("tiny", 1000))
    model.bert.embeddings.requires_grad_(False)
    report = parameter_report(model)
    assert count_parameters(model) == report.total == model.num_parameters()
    assert count_parameters(model, trainable=True) == report.trainable < report.total


def test_frozen_parameters():
    model = transformers.BertModel(sized_config("tiny", 1000))
    model.embeddings.requires_grad_(False)
    report = parameter_report(model)
    assert report["embeddings"].trainable == 0
    assert report.trainable == report.total - report["embeddings"].total
    assert "0 trainable" in str(report)


def test_folding_keeps_counts_and_names_the_layers(base):
    text = str(base)
    assert "109,482,240" in text
    assert "0-11 (12 ×)" in text
    assert len(text.splitlines()) < 30
    assert base.folded().total == base.total
    assert len(base["encoder.layer"].children) == 12  # folding leaves the report itself alone


def test_layers_that_differ_are_not_folded():
    model = transformers.BertModel(sized_config("mini", 1000))
    model.encoder.layer[1].requires_grad_(False)
    names = [child.name for child in parameter_report(model)["encoder.layer"].folded().children]
    assert names == ["0", "1", "2-3"]


def test_as_data(base):
    data = base.to_dict()
    assert data["total"] == 109_482_240
    assert {child["name"] for child in data["children"]} == {"embeddings", "encoder", "pooler"}


@pytest.mark.parametrize(
    ("size", "millions"), list(zip(BERT_SIZES, (4.4, 11.2, 28.8, 41.4, 109.5, 335.1), strict=True))
)
def test_sizes_of_google_research_bert(size, millions):
    assert parameter_report(sized_config(size)).total / 1e6 == pytest.approx(millions, abs=0.06)


def test_only_neighbours_are_folded():
    from torch import nn

    layers = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 4))
    assert [child.name for child in parameter_report(layers).folded().children] == ["0", "2-3"]


def test_a_folder(tmp_path):
    config = BertConfig(vocab_size=50, hidden_size=8, num_hidden_layers=12, num_attention_heads=2, intermediate_size=8)
    model = transformers.BertForMaskedLM(config)
    model.save_pretrained(tmp_path)
    stored, held = parameter_report(tmp_path), parameter_report(model)
    assert stored.total == stored.trainable == held.total  # the tied decoder once
    assert stored["bert.encoder.layer"].total == held["bert.encoder.layer"].total
    assert "0-11 (12 ×)" in str(stored)
    with pytest.raises(ConfigError, match=r"has no parameters to compare or count: .*model\.safetensors"):
        parameter_report(tmp_path / "missing")
