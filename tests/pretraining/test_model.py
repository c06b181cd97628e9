import re

import pytest
import torch
import transformers
from torch.nn.functional import cross_entropy
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, BertForMaskedLM, BertForPreTraining, BertModel

from bert_finetune_kit import DataCollatorForPreTraining, ModelError
from bert_finetune_kit.modeling.architecture import pair_faults
from bert_finetune_kit.modeling.selection import select_positions
from bert_finetune_kit.pretraining.collator import IGNORED
from bert_finetune_kit.pretraining.model import build_model, forward, prediction_positions


@pytest.fixture
def batch(tokenizer):
    texts = ["the smithy opens at eleven o'clock", "a brown dog", "the milk turned sour in the warm cellar"]
    examples = [
        {**tokenizer(text, text[::-1]), "next_sentence_label": number % 2, "rng_key": (0, 0, number)}
        for number, text in enumerate(texts)
    ]
    return DataCollatorForPreTraining(tokenizer, mlm_probability=0.3)(examples)


def test_losses_and_scores_equal_those_of_the_stock_model(config, batch):
    model = BertForPreTraining(config).eval()
    output = forward(model, batch, select_positions(model))
    stock = transformers.BertForPreTraining(config).eval()
    stock.load_state_dict(model.state_dict())
    expected = stock(**batch)
    labels = batch["labels"]
    loss = output.mlm_loss.sum() / output.mlm_count.sum() + output.pair_loss.mean()
    torch.testing.assert_close(loss, expected.loss)
    by_example = cross_entropy(expected.prediction_logits.transpose(1, 2), labels, reduction="none").sum(1)
    torch.testing.assert_close(output.mlm_loss, by_example)
    correct = (expected.prediction_logits.argmax(-1) == labels) & (labels != IGNORED)
    assert output.mlm_correct.tolist() == correct.sum(1).tolist()
    assert output.mlm_count.tolist() == (labels != IGNORED).sum(1).tolist()
    correct = expected.seq_relationship_logits.argmax(-1) == batch["next_sentence_label"]
    assert output.pair_correct.tolist() == correct.long().tolist()


def test_gradients_equal_those_of_the_stock_model(config, batch):
    model = BertForPreTraining(config).train()
    stock = transformers.BertForPreTraining(config).train()
    stock.load_state_dict(model.state_dict())
    stock(**batch).loss.backward()
    output = forward(model, batch, select_positions(model))
    (output.mlm_loss.sum() / (batch["labels"] != IGNORED).sum() + output.pair_loss.mean()).backward()
    for (name, parameter), expected in zip(model.named_parameters(), stock.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad, msg=name)


def test_the_head_computes_masked_positions_only(config, batch):
    model = BertForPreTraining(config)
    shapes = []
    model.cls.predictions.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape))
    forward(model, batch)
    assert shapes == [(*batch["labels"].shape, config.vocab_size)]
    selection = select_positions(model)
    shapes.clear()
    forward(model, batch, selection)
    assert shapes == [(1, int((batch["labels"] != IGNORED).sum()), config.vocab_size)]
    assert model(batch["input_ids"]).prediction_logits.shape == (*batch["labels"].shape, config.vocab_size)


def test_both_ways_give_the_same(config, batch):
    model = BertForPreTraining(config).eval()
    plain, selected = (forward(model, batch, selection) for selection in (None, select_positions(model)))
    for name, value in plain.items():
        torch.testing.assert_close(selected[name], value)


def test_masked_language_modelling_without_pairs(config, batch):
    del batch["next_sentence_label"]
    model = BertForMaskedLM(config).eval()
    output = forward(model, batch, select_positions(model))
    stock = transformers.BertForMaskedLM(config).eval()
    stock.load_state_dict(model.state_dict())
    torch.testing.assert_close(output.mlm_loss.sum() / output.mlm_count.sum(), stock(**batch).loss)
    assert output.pair_loss is None


def test_fixed_shapes_do_not_change_the_losses(config, batch):
    model = BertForPreTraining(config).eval()
    selection = select_positions(model)
    dynamic = forward(model, batch, selection)
    longest = int((batch["labels"] != IGNORED).sum(1).max())
    bound = {batch["labels"].shape[1]: longest + 2}.__getitem__  # called with the length of the batch
    shapes = []
    model.cls.predictions.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape))
    fixed = forward(model, batch, selection, bound)
    assert shapes == [(1, len(batch["labels"]) * (longest + 2), config.vocab_size)]
    torch.testing.assert_close(fixed.mlm_loss, dynamic.mlm_loss)
    assert fixed.mlm_correct.tolist() == dynamic.mlm_correct.tolist()


def test_prediction_positions():
    labels = torch.tensor([[IGNORED, 7, 8], [9, IGNORED, IGNORED]])
    assert prediction_positions(labels).tolist() == [1, 2, 3]
    positions = prediction_positions(labels, max_predictions=2)
    assert labels.view(-1)[positions].tolist() == [7, 8, 9, IGNORED]
    assert (positions // 3).tolist() == [0, 0, 1, 1]


def test_a_batch_without_predictions_has_a_loss_of_zero_and_gradients(config, batch):
    batch["labels"][:] = IGNORED
    batch["next_sentence_label"][:] = IGNORED
    model = BertForPreTraining(config)
    output = forward(model, batch, select_positions(model))
    assert output.mlm_loss.tolist() == output.pair_loss.tolist() == [0, 0, 0]
    (output.mlm_loss.sum() + output.pair_loss.sum()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(("objective", "auto"), [("nsp", AutoModelForPreTraining), ("none", AutoModelForMaskedLM)])
def test_the_checkpoint_is_a_stock_checkpoint(config, batch, tmp_path, objective, auto):
    model, new = build_model(config, objective, config.vocab_size)
    assert new == ["all weights"]
    model.eval().save_pretrained(tmp_path)
    for kind in {auto, AutoModelForMaskedLM}:
        stock, loading = kind.from_pretrained(tmp_path, output_loading_info=True)
        unexpected = {key for key in loading["unexpected_keys"] if kind is auto or "predictions" in key}
        assert not loading["missing_keys"]
        assert not unexpected
        assert type(stock).__module__ == "transformers.models.bert.modeling_bert"
        logits, expected = (part.eval()(input_ids=batch["input_ids"])[0] for part in (model, stock))
        torch.testing.assert_close(logits, expected, rtol=0, atol=0)


def test_heads_that_a_checkpoint_lacks_are_newly_initialized(config, tmp_path):
    encoder = BertModel(config)
    encoder.save_pretrained(tmp_path)
    model, new = build_model(str(tmp_path), "nsp", config.vocab_size)
    assert new == ["cls.predictions", "cls.seq_relationship"]
    torch.testing.assert_close(model.bert.embeddings.word_embeddings.weight, encoder.embeddings.word_embeddings.weight)
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    assert "bert.pooler" in build_model(str(tmp_path), "nsp", config.vocab_size)[1]


def test_checkpoints_that_cannot_be_loaded_are_rejected(config, tmp_path):
    with pytest.raises(ModelError, match=r"no folder 'huge', and no model.*it is no size, either \(tiny, mini"):
        build_model("huge", "nsp", 100)
    distil = transformers.DistilBertConfig(vocab_size=9, dim=8, n_heads=2, n_layers=1)
    assert re.match(r"objective is 'nsp', and distilbert has no head .*objective='none'", pair_faults(distil, "nsp")[0])
    assert build_model(distil, "none", 100)[1] == ["all weights"]
    config.num_hidden_layers = 1
    BertModel(config).save_pretrained(tmp_path / "short")
    config.num_hidden_layers = 2
    config.save_pretrained(tmp_path / "short")
    with pytest.raises(ModelError, match=r"16 weights of the encoder are not in .*encoder.layer.1"):
        build_model(str(tmp_path / "short"), "nsp", 100)
