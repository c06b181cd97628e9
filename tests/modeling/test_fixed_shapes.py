"""Encoders that never look at their mask, against the stock ones."""

import pytest
import torch
import transformers
from transformers import BertForSequenceClassification

from bert_finetune_kit.modeling.fixed_shapes import fix_shapes


@pytest.fixture
def batch():
    mask = torch.ones(3, 9, dtype=torch.int64)
    mask[1, 5:] = mask[2, 2:] = 0
    return {"input_ids": torch.randint(5, 99, (3, 9)), "attention_mask": mask}


def test_states_are_those_of_the_stock_encoder(config, batch):
    stock = BertForSequenceClassification(config).eval()
    expected = stock(**batch, output_hidden_states=True)
    fix_shapes(stock)
    assert type(stock.bert) is not transformers.BertModel
    told = stock(**batch, output_hidden_states=True)
    torch.testing.assert_close(told.logits, expected.logits)
    assert len(told.hidden_states) == len(expected.hidden_states)
    del batch["attention_mask"]
    assert stock(**batch).logits.shape == (3, 2)


def test_one_graph_with_padding_and_without(config, batch):
    """On XLA any operation that reads a value ends the graph; tensors on the device `meta` have no values to read."""
    model = BertForSequenceClassification(config).to("meta").eval()
    inputs = {name: values.to("meta") for name, values in batch.items()}
    with pytest.raises(RuntimeError, match="meta"):
        model(**inputs)
    fix_shapes(model)
    assert model(**inputs).logits.shape == (3, 2)


def test_the_checkpoint_is_a_stock_checkpoint(config, tmp_path):
    model = BertForSequenceClassification(config)
    fix_shapes(model)
    model.save_pretrained(tmp_path)
    again, loading = BertForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    assert type(again.bert) is transformers.BertModel
