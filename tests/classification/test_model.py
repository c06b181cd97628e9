"""Losses and logits of examples against the stock model."""

import pytest
import torch
import transformers
from transformers import BertForPreTraining

from bert_finetune_kit import ModelError
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.model import build_model, example_losses, forward, pool_windows

LABELS = LabelSet(("no", "maybe", "yes"))


@pytest.fixture
def batch(config):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, config.vocab_size, (4, 10), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("single_label", torch.tensor([0, 2, 1, 1])),
        ("multi_label", torch.tensor([[0, 1, 1], [0, 0, 0], [1, 0, 0], [1, 1, 1.0]])),
        ("regression", torch.tensor([0.5, 2.0, -1.0, 3.0])),
    ],
)
def test_loss_and_logits_equal_the_stock_model(config, batch, kind, labels, tmp_path):
    model, new = build_model(config, LabelSet(() if kind == "regression" else LABELS.names, kind), config.vocab_size)
    assert new == ["all weights"]
    model.eval()
    weights = torch.ones_like(labels, dtype=torch.float32)
    output = forward(model, {**batch, "labels": labels, "weights": weights, "window_example": torch.arange(4)}, kind)
    model.save_pretrained(tmp_path)
    stock = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert type(stock).__module__.startswith("transformers")
    expected = stock(**batch, labels=labels)
    assert torch.equal(output.logits, expected.logits)
    torch.testing.assert_close(output.losses.mean(), expected.loss)


def test_label_smoothing_equals_torch():
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    loss = example_losses(logits, labels, "single_label", 0.2).mean()
    torch.testing.assert_close(loss, torch.nn.CrossEntropyLoss(label_smoothing=0.2)(logits, labels))


def test_windows_are_pooled():
    logits = torch.tensor([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]])
    owner = torch.tensor([0, 0, 1])
    assert pool_windows(logits, owner, 2).tolist() == [[2.0, 1.0], [5.0, 5.0]]
    assert pool_windows(logits[:2], torch.tensor([0, 1]), 2).tolist() == logits[:2].tolist()


def test_windows_of_padding_change_nothing(config, batch):
    """The last two windows belong to no example: they change neither losses nor gradients."""
    labels, owner = torch.tensor([0, 2, 1]), torch.tensor([0, 0, 1, 2])
    model, _ = build_model(config, LABELS, config.vocab_size)
    gradients = []
    for padding in (0, 2):
        inputs = {name: torch.cat([values, torch.zeros_like(values[:padding])]) for name, values in batch.items()}
        inputs["attention_mask"][4:, 0] = 1
        inputs |= {"labels": labels, "weights": torch.ones(3)}
        inputs["window_example"] = torch.cat([owner, torch.full((padding,), 3)])
        output = forward(model, inputs, "single_label")
        assert output.logits.shape == (3, 3)
        output.losses.sum().backward()
        gradients.append({name: value.grad.clone() for name, value in model.named_parameters()})
        model.zero_grad()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-6, rtol=1e-5)


def test_weights_multiply_losses(config, batch):
    model, _ = build_model(config, LABELS, config.vocab_size)
    model.eval()
    weights = torch.tensor([1.0, 0.0, 2.0, 1.0])
    batch |= {"labels": torch.tensor([0, 2, 1, 1]), "window_example": torch.arange(4)}
    plain, weighted = (
        forward(model, {**batch, "weights": factors}, "single_label").losses for factors in (torch.ones(4), weights)
    )
    torch.testing.assert_close(weighted, plain * weights)


def test_heads_of_checkpoints(config, tmp_path):
    BertForPreTraining(config).save_pretrained(tmp_path / "pretrained")
    model, new = build_model(str(tmp_path / "pretrained"), LABELS, config.vocab_size)
    assert new == ["classifier"]
    assert model.config.id2label == {0: "no", 1: "maybe", 2: "yes"}
    assert model.config.label2id == {"no": 0, "maybe": 1, "yes": 2}
    model.save_pretrained(tmp_path / "tuned")
    reloaded, new = build_model(str(tmp_path / "tuned"), LABELS, config.vocab_size)
    assert new == []
    assert torch.equal(reloaded.classifier.weight, model.classifier.weight)
    other_labels = LabelSet(("yes", "no"))
    with pytest.raises(ModelError, match=r"\(no, maybe, yes\); the task has \(yes, no\)"):
        build_model(str(tmp_path / "tuned"), other_labels, config.vocab_size)
    changed, new = build_model(str(tmp_path / "tuned"), other_labels, config.vocab_size, new_head=True)
    assert new == ["classifier"]
    assert changed.classifier.weight.shape == (2, config.hidden_size)
    assert torch.equal(changed.bert.pooler.dense.weight, model.bert.pooler.dense.weight)
    reset, _ = build_model(str(tmp_path / "tuned"), LABELS, config.vocab_size, new_head=True)
    assert not torch.equal(reset.classifier.weight, model.classifier.weight)


@pytest.mark.parametrize(
    ("config", "head"),
    [
        (transformers.DistilBertConfig(n_layers=1, dim=8, n_heads=1, hidden_dim=8), ["classifier", "pre_classifier"]),
        (
            transformers.RobertaConfig(
                num_hidden_layers=1, hidden_size=8, num_attention_heads=1, intermediate_size=8, vocab_size=20
            ),
            ["classifier.dense", "classifier.out_proj"],
        ),
    ],
)
def test_another_architecture(tmp_path, config, head):
    config.vocab_size = 20
    transformers.AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path / "pretrained")
    model, new = build_model(str(tmp_path / "pretrained"), LABELS, 20)
    assert new == head
    model.save_pretrained(tmp_path / "tuned")
    _, new = build_model(str(tmp_path / "tuned"), LABELS, 20, new_head=True)
    assert {name.split(".")[0] for name in new} == {name.split(".")[0] for name in head}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (transformers.GPT2Config(n_layer=1), "gpt2 .*no head for masked words"),
        (transformers.T5Config(num_layers=1), "t5 .*an encoder and a decoder"),
        (transformers.BertConfig(is_decoder=True), "decoder"),
        (transformers.FNetConfig(), "no attention mask"),
    ],
)
def test_what_is_no_encoder_is_refused(config, reason, tmp_path):
    config.save_pretrained(tmp_path)
    for model in (config, str(tmp_path)):
        with pytest.raises(ModelError, match=reason):
            build_model(model, LABELS, 20)
