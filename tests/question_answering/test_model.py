"""The model against the stock model."""

import numpy as np
import pytest
import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification

from bert_finetune_kit import QAConfig, compare_parameters, parameter_report
from bert_finetune_kit.question_answering.collator import DataCollatorForQuestionAnswering
from bert_finetune_kit.question_answering.model import build_model


def window(length, start=0, end=0, in_loss=True):
    ids = np.random.default_rng(length).integers(5, 500, length)
    return {"input_ids": ids, "context_start": 5, "start_position": start, "end_position": end, "in_loss": in_loss}


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return build_model(config, config.vocab_size, QAConfig())[0]


def test_loss_equals_that_of_the_stock_model(model, tmp_path):
    batch = DataCollatorForQuestionAnswering(0)([window(20, 6, 8), window(20)])
    output = model.train()(**batch)
    model.save_pretrained(tmp_path)
    stock = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path).train()
    assert type(stock).__module__.startswith("transformers")
    for name in ("context_mask", "weights"):
        batch.pop(name)
    torch.testing.assert_close(output.losses.mean(), stock(**batch).loss)


def test_padding_changes_neither_loss_nor_spans(model):
    alone = DataCollatorForQuestionAnswering(0)([window(20, 6, 8)])
    padded = DataCollatorForQuestionAnswering(0, lengths=(16, 64))([window(20, 6, 8)])
    assert padded["input_ids"].shape == (1, 64)
    batched = DataCollatorForQuestionAnswering(0)([window(20, 6, 8), window(50)])
    losses = [model.eval()(**batch).losses[0].item() for batch in (alone, padded, batched)]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)
    spans = [model(**batch) for batch in (alone, batched)]
    assert torch.equal(spans[0].span_starts[0], spans[1].span_starts[0])


def test_spans_are_in_the_context(model):
    output = model.eval()(**DataCollatorForQuestionAnswering(0)([window(20), window(9)]))
    assert output.span_scores.shape == (2, 20)
    kept = torch.isfinite(output.span_scores)
    assert (output.span_starts[kept] >= 5).all()
    assert (output.span_ends[0][kept[0]] < 19).all()
    assert (output.span_ends[1][kept[1]] < 8).all()
    assert kept[1].sum() == 6  # 3 tokens of context


def test_a_window_outside_the_loss_has_a_loss_of_zero(model):
    batch = DataCollatorForQuestionAnswering(0)([window(20, 6, 8), window(20, in_loss=False)])
    assert batch["weights"].tolist() == [1, 0]
    assert model.train()(**batch).losses[1] == 0
    assert model(**batch).span_scores is None


def test_parameters_of_bert_base():
    """110M in the paper, less the 590,592 of the pooler, plus the 1,538 of qa_outputs."""
    with torch.device("meta"):
        encoder = transformers.BertModel(BertConfig())
        with_head = build_model(BertConfig(), 30_522, QAConfig())[0]
    before, after = parameter_report(encoder), parameter_report(with_head)
    assert (before.total, after.total) == (109_482_240, 108_893_186)
    assert before.total - after.total == 590_592 - 1_538
    change = compare_parameters(encoder, with_head)
    assert sum(change.added.values()) == 1_538
    assert sum(change.removed.values()) == 590_592
    assert all("pooler" in name for name in change.removed)


def test_the_saved_model_is_a_stock_one(model, tmp_path):
    model.save_pretrained(tmp_path)
    _, loading = transformers.BertForQuestionAnswering.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(loading.values())


@pytest.mark.parametrize("labels", [1, 3])
def test_the_number_of_labels_of_a_classifier_is_not_that_of_outputs(config, tmp_path, labels):
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    for initial_model in (config, str(tmp_path)):
        model, new = build_model(initial_model, config.vocab_size, QAConfig())
        assert new in (["all weights"], ["qa_outputs"])
        assert model.qa_outputs.out_features == 2
        assert model(input_ids=torch.ones(2, 7, dtype=torch.long)).start_logits.shape == (2, 7)
