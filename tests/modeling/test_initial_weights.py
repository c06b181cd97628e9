"""The initial weights of a run: which parameters of a checkpoint count, and what is compared with what."""

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
from bert_finetune_kit.modeling.checkpoint_files import checkpoint_weights
from bert_finetune_kit.modeling.explanation import describe_change, explain_change
from bert_finetune_kit.modeling.initial_weights import (
    INITIAL_WEIGHTS_FILE,
    change_since_initial,
    checkpoint_parameters,
    delete_initial_weights,
    save_initial_weights,
)
from bert_finetune_kit.modeling.weights import weights_of


@pytest.fixture
def checkpoint(config, tmp_path):
    """A checkpoint with pooler and the heads of pretraining, as bert-base-uncased is one."""
    torch.manual_seed(0)
    BertForPreTraining(config).save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def sentences_of(change):
    return " ".join(explain_change(change))


def change_of(model, checkpoint, folder, learn=lambda model: None):
    save_initial_weights(model, checkpoint, folder)
    with torch.no_grad():
        learn(model)
    model.save_pretrained(folder)
    return change_since_initial(folder)


@pytest.mark.parametrize(
    ("head", "after"), [(BertForSequenceClassification, 109_483_778), (BertForQuestionAnswering, 108_893_186)]
)
def test_counts_of_bert_base(head, after):
    """Its checkpoint holds the heads of pretraining; the encoder with its pooler are 109,482,240."""
    with torch.device("meta"):
        stored, model = weights_of(BertForPreTraining(BertConfig())), weights_of(head(BertConfig()))
    shapes = {name: list(weight.shape) for name, weight in stored.items()}
    before, unused_heads = checkpoint_parameters(model, shapes, [name for name in stored if stored[name].in_head])
    change = compare_weights(before, model, unused_heads=unused_heads)
    assert (change.before, change.after) == (109_482_240, after)
    assert change.unused_heads == {"cls.predictions": 622_650, "cls.seq_relationship": 1_538}


@pytest.mark.parametrize("head", [BertForSequenceClassification, BertForQuestionAnswering])
def test_before_is_the_encoder_of_the_checkpoint_with_its_pooler(head, checkpoint, config, tmp_path):
    change = change_of(head.from_pretrained(checkpoint), str(checkpoint), tmp_path)
    assert change.before == BertModel(config).num_parameters()
    assert change.after == head(config).num_parameters()
    assert set(change.unused_heads) == {"cls.predictions", "cls.seq_relationship"}
    hidden = config.hidden_size
    assert change.unused_heads["cls.predictions"] == hidden * hidden + hidden + 2 * hidden + config.vocab_size
    removed = [module.name for module in change.modules if not module.after]
    assert removed == (["pooler"] if head is BertForQuestionAnswering else [])
    assert "Unused heads of the checkpoint, in none of these counts: the masked-language-model head" in sentences_of(
        change
    )
    assert {module.relative_change for module in change.modules} == {0.0, None}
    assert change.modules[-1].relative_change is None  # the checkpoint has no such head


def test_heads_of_the_checkpoint_that_are_trained_count(checkpoint, tmp_path):
    model = BertForPreTraining.from_pretrained(checkpoint)
    change = change_of(model, str(checkpoint), tmp_path, lambda model: model.cls.predictions.bias.add_(1))
    assert change.before == change.after == model.num_parameters()
    assert not change.unused_heads
    changes = {module.name: module.relative_change for module in change.modules}
    assert changes["cls.predictions"] > 0
    assert changes["cls.seq_relationship"] == 0


def test_weights_from_scratch(config, tmp_path):
    change = change_of(BertModel(config), None, tmp_path, lambda model: model.pooler.dense.weight.mul_(1.25))
    assert change.from_scratch
    assert change.before == change.after
    assert "All weights were randomly initialized." in sentences_of(change)
    assert next(module.relative_change for module in change.modules if module.name == "pooler") == pytest.approx(
        0.25, rel=1e-3
    )


def test_a_head_for_other_labels_is_resized(config, tmp_path):
    config.num_labels = 3
    BertForSequenceClassification(config).save_pretrained(tmp_path / "three")
    model = BertForSequenceClassification.from_pretrained(
        tmp_path / "three", num_labels=2, ignore_mismatched_sizes=True
    )
    head = change_of(model, str(tmp_path / "three"), tmp_path).modules[-1]
    assert (head.before, head.after, head.relative_change) == (3 * 33, 2 * 33, None)


def test_shapes_of_old_names_shards_and_pickles(checkpoint, tmp_path, config):
    shapes = checkpoint_weights(str(checkpoint))
    weights = load_file(checkpoint / "model.safetensors")
    assert len(shapes) == len(weights)

    def stored(name):
        folder = tmp_path / name
        folder.mkdir()
        config.save_pretrained(folder)
        return folder

    old_names = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
           for name, value in weights.items()}  # fmt: skip
    save_file(old_names, stored("old") / "model.safetensors")
    BertForPreTraining.from_pretrained(checkpoint).save_pretrained(stored("sharded"), max_shard_size="50KB")
    assert not (tmp_path / "sharded" / "model.safetensors").exists()
    tied = {
        "cls.predictions.decoder.weight": weights["bert.embeddings.word_embeddings.weight"],
        "bert.embeddings.position_ids": torch.arange(128)[None],
    }
    torch.save(weights | tied, stored("pickle") / "pytorch_model.bin")
    for name in ("old", "sharded", "pickle"):
        assert checkpoint_weights(str(tmp_path / name)) == shapes, name


def test_an_unreadable_checkpoint_counts_as_the_model(config, tmp_path):
    model = BertForSequenceClassification(config)
    change = change_of(model, str(tmp_path / "nowhere"), tmp_path)
    assert change.before == change.after
    assert not change.from_scratch


def test_written_atomically_and_deleted(config, tmp_path):
    assert change_since_initial(tmp_path) is None
    model = BertModel(config)
    save_initial_weights(model, None, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [INITIAL_WEIGHTS_FILE]
    assert change_since_initial(tmp_path) is None  # nothing is saved yet
    saved = load_file(tmp_path / INITIAL_WEIGHTS_FILE)
    assert all(torch.equal(saved[name], value) for name, value in model.named_parameters())
    (tmp_path / "initial_weights.part").write_text("half")
    delete_initial_weights(tmp_path)
    assert not list(tmp_path.iterdir())


def test_as_json(checkpoint, tmp_path):
    model = transformers.BertForMaskedLM.from_pretrained(checkpoint)
    change = change_of(model, str(checkpoint), tmp_path)
    data = describe_change(change)
    assert json.loads(json.dumps(data))["modules"] == data["modules"]
    assert [module["name"] for module in data["modules"]][-1] == "cls.predictions"
    assert data["unused_heads"] == {"cls.seq_relationship": 66}


def test_an_unused_head_is_named_by_what_it_is_for(tmp_path):
    config = transformers.DistilBertConfig(vocab_size=50, dim=8, n_layers=1, n_heads=2, hidden_dim=8)
    transformers.DistilBertForMaskedLM(config).save_pretrained(tmp_path / "checkpoint")
    model = transformers.DistilBertForSequenceClassification.from_pretrained(tmp_path / "checkpoint")
    sentences = sentences_of(change_of(model, tmp_path / "checkpoint", tmp_path))
    head = "the masked-language-model head, which predicts masked tokens (138: vocab_"
    assert f"Unused heads of the checkpoint, in none of these counts: {head}" in sentences
    assert "head is tied to the word embeddings" in sentences
    added = "the classifier, which maps a sequence to one score per label (90: classifier and pre_classifier)"
    assert f"Newly initialized: {added}." in sentences


def test_the_head_of_a_discriminator_is_named_by_what_it_is_for(tmp_path):
    config = transformers.ElectraConfig(
        vocab_size=50, hidden_size=8, embedding_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    transformers.ElectraForPreTraining(config).save_pretrained(tmp_path / "checkpoint")
    model = transformers.ElectraForSequenceClassification.from_pretrained(tmp_path / "checkpoint")
    sentences = sentences_of(change_of(model, tmp_path / "checkpoint", tmp_path))
    head = "the discriminator head, which tells replaced tokens from original ones (81)"
    assert f"Unused heads of the checkpoint, in none of these counts: {head}." in sentences
    assert "is tied to" not in sentences
