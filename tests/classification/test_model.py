"""The classifier against the stock model."""

import pytest
import torch
import transformers
from transformers import BertConfig, BertForPreTraining

from bert_finetune_kit import ModelError
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.model import (
    BertForSequenceClassification,
    build_model,
    example_losses,
    pool_windows,
)

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
    output = model(**batch, labels=labels, window_example=torch.arange(4))
    model.save_pretrained(tmp_path)
    stock = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert type(stock).__module__.startswith("transformers")
    expected = stock(**batch, labels=labels)
    assert torch.equal(output.logits, expected.logits)
    torch.testing.assert_close(output.losses.mean(), expected.loss)


def test_label_smoothing_equals_torch():
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    loss = example_losses(logits, labels, "single_label_classification", 0.2).mean()
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
        output = model(**inputs, labels=labels, window_example=torch.cat([owner, torch.full((padding,), 3)]))
        assert output.logits.shape == (3, 3)
        output.losses.sum().backward()
        gradients.append({name: value.grad.clone() for name, value in model.named_parameters()})
        model.zero_grad()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-6, rtol=1e-5)


def test_weights_multiply_losses(config, batch):
    model, _ = build_model(config, LABELS, config.vocab_size)
    model.eval()
    labels, owner = torch.tensor([0, 2, 1, 1]), torch.arange(4)
    plain = model(**batch, labels=labels, window_example=owner).losses
    weighted = model(**batch, labels=labels, window_example=owner, weights=torch.tensor([1.0, 0.0, 2.0, 1.0])).losses
    torch.testing.assert_close(weighted, plain * torch.tensor([1.0, 0.0, 2.0, 1.0]))


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


def test_another_architecture(tmp_path):
    transformers.DistilBertConfig(n_layers=1, dim=8, n_heads=1, hidden_dim=8, vocab_size=20).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="distilbert"):
        build_model(str(tmp_path), LABELS, 20)


def test_without_windows_it_is_the_stock_forward(config, batch):
    model = BertForSequenceClassification(BertConfig.from_dict(config.to_dict() | {"num_labels": 2})).eval()
    labels = torch.tensor([0, 1, 0, 1])
    output = model(**batch, labels=labels)
    torch.testing.assert_close(output.loss, torch.nn.functional.cross_entropy(output.logits, labels))
