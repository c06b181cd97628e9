"""The weights that a run starts from: what of a checkpoint counts, and what is compared with what."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
)

from bert_finetune_kit.modeling.change import compare_weights
from bert_finetune_kit.modeling.start import START_FILE, as_it_stands, change_since_start, forget_start, keep_start
from bert_finetune_kit.modeling.weights import checkpoint_shapes, weights_of


@pytest.fixture
def checkpoint(config, tmp_path):
    """A checkpoint with pooler and the heads of pretraining, as bert-base-uncased is one."""
    torch.manual_seed(0)
    BertForPreTraining(config).save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def change_of(model, given, folder, learn=lambda model: None):
    keep_start(model, given, folder)
    with torch.no_grad():
        learn(model)
    model.save_pretrained(folder)
    return change_since_start(folder)


@pytest.mark.parametrize(
    ("head", "after"), [(BertForSequenceClassification, 109_483_778), (BertForQuestionAnswering, 108_893_186)]
)
def test_counts_of_bert_base(head, after):
    """Its checkpoint holds the heads of pretraining; the encoder with its pooler are 109,482,240."""
    with torch.device("meta"):
        stored, model = weights_of(BertForPreTraining(BertConfig())), weights_of(head(BertConfig()))
    before, left_out = as_it_stands(model, {name: list(weight.shape) for name, weight in stored.items()})
    change = compare_weights(before, model, left_out=left_out)
    assert (change.before, change.after) == (109_482_240, after)
    assert change.left_out == {"cls.predictions": 622_650, "cls.seq_relationship": 1_538}


@pytest.mark.parametrize("head", [BertForSequenceClassification, BertForQuestionAnswering])
def test_before_is_the_encoder_of_the_checkpoint_with_its_pooler(head, checkpoint, config, tmp_path):
    change = change_of(head.from_pretrained(checkpoint), str(checkpoint), tmp_path)
    assert change.before == BertModel(config).num_parameters()
    assert change.after == head(config).num_parameters()
    assert set(change.left_out) == {"cls.predictions", "cls.seq_relationship"}
    hidden = config.hidden_size
    assert change.left_out["cls.predictions"] == hidden * hidden + hidden + 2 * hidden + config.vocab_size
    gone = [module.name for module in change.modules if not module.after]
    assert gone == (["pooler"] if head is BertForQuestionAnswering else [])
    assert "Left out of all counts" in change.explain()
    assert {module.moved for module in change.modules} == {0.0, None}
    assert change.modules[-1].moved is None  # the new head began at nothing that the checkpoint had


def test_heads_that_go_on_count(checkpoint, tmp_path):
    model = BertForPreTraining.from_pretrained(checkpoint)
    change = change_of(model, str(checkpoint), tmp_path, lambda model: model.cls.predictions.bias.add_(1))
    assert change.before == change.after == model.num_parameters()
    assert not change.left_out
    moved = {module.name: module.moved for module in change.modules}
    assert moved["cls.predictions"] > 0
    assert moved["cls.seq_relationship"] == 0


def test_fresh_weights(config, tmp_path):
    change = change_of(BertModel(config), None, tmp_path, lambda model: model.pooler.dense.weight.mul_(1.25))
    assert change.fresh
    assert change.before == change.after
    assert "began as random numbers" in change.explain()
    assert next(module.moved for module in change.modules if module.name == "pooler") == pytest.approx(0.25, rel=1e-3)


def test_a_head_for_other_labels_is_resized(config, tmp_path):
    config.num_labels = 3
    BertForSequenceClassification(config).save_pretrained(tmp_path / "three")
    model = BertForSequenceClassification.from_pretrained(
        tmp_path / "three", num_labels=2, ignore_mismatched_sizes=True
    )
    head = change_of(model, str(tmp_path / "three"), tmp_path).modules[-1]
    assert (head.before, head.after, head.moved) == (3 * 33, 2 * 33, None)


def test_old_names_one_file_or_many_or_a_pickle(checkpoint, tmp_path, config):
    shapes = checkpoint_shapes(str(checkpoint))
    weights = load_file(checkpoint / "model.safetensors")
    assert len(shapes) == len(weights)

    def stored(name):
        folder = tmp_path / name
        folder.mkdir()
        config.save_pretrained(folder)
        return folder

    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
           for name, value in weights.items()}  # fmt: skip
    save_file(old, stored("old") / "model.safetensors")
    BertForPreTraining.from_pretrained(checkpoint).save_pretrained(stored("many"), max_shard_size="50KB")
    assert not (tmp_path / "many" / "model.safetensors").exists()
    tied = {
        "cls.predictions.decoder.weight": weights["bert.embeddings.word_embeddings.weight"],
        "bert.embeddings.position_ids": torch.arange(128)[None],
    }
    torch.save(weights | tied, stored("pickle") / "pytorch_model.bin")
    for name in ("old", "many", "pickle"):
        assert checkpoint_shapes(str(tmp_path / name)) == shapes, name


def test_a_checkpoint_that_cannot_be_read_counts_as_it_was_built(config, tmp_path):
    model = BertForSequenceClassification(config)
    change = change_of(model, str(tmp_path / "nowhere"), tmp_path)
    assert change.before == change.after
    assert not change.fresh


def test_written_whole_and_forgotten(config, tmp_path):
    assert change_since_start(tmp_path) is None
    model = BertModel(config)
    keep_start(model, None, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [START_FILE]
    assert change_since_start(tmp_path) is None  # nothing is saved yet
    kept = load_file(tmp_path / START_FILE)
    assert all(torch.equal(kept[name], value) for name, value in model.named_parameters())
    (tmp_path / "start.part").write_text("half")
    forget_start(tmp_path)
    assert not list(tmp_path.iterdir())


def test_as_json(checkpoint, tmp_path):
    model = transformers.BertForMaskedLM.from_pretrained(checkpoint)
    change = change_of(model, str(checkpoint), tmp_path)
    data = change.to_dict()
    assert json.loads(json.dumps(data))["modules"] == data["modules"]
    assert [module["name"] for module in data["modules"]][-1] == "cls.predictions"
    assert data["left_out"] == {"cls.seq_relationship": 66}
