"""Encoders that never read their mask, against the stock ones."""

import copy
import pickle

import pytest
import torch
import transformers
from small_encoders import NAMES, small_encoder
from transformers import BertForSequenceClassification

from bert_finetune_kit.compat.transformers import get_attn_implementation
from bert_finetune_kit.modeling.fixed_shapes import FIXED_ATTENTION, fix_shapes


@pytest.fixture
def batch():
    mask = torch.ones(3, 9, dtype=torch.int64)
    mask[1, 5:] = mask[2, 2:] = 0
    return {"input_ids": torch.randint(5, 99, (3, 9)), "attention_mask": mask}


def test_states_are_those_of_the_stock_encoder(config, batch):
    model = BertForSequenceClassification(config).eval()
    expected = model(**batch, output_hidden_states=True)
    fix_shapes(model)
    assert get_attn_implementation(model.config) == FIXED_ATTENTION
    output = model(**batch, output_hidden_states=True)
    torch.testing.assert_close(output.logits, expected.logits)
    assert len(output.hidden_states) == len(expected.hidden_states)
    del batch["attention_mask"]
    assert model(**batch).logits.shape == (3, 2)


def test_one_graph_with_padding_and_without(config, batch):
    """On XLA any operation that reads a value ends the graph; tensors on the device `meta` have no values to read."""
    model = BertForSequenceClassification(config).to("meta").eval()
    inputs = {name: values.to("meta") for name, values in batch.items()}
    with pytest.raises(RuntimeError, match="meta"):
        model(**inputs)
    fix_shapes(model)
    assert model(**inputs).logits.shape == (3, 2)


def test_copies(config, batch):
    model = BertForSequenceClassification(config).eval()
    expected = model(**batch).logits
    fix_shapes(model)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert get_attn_implementation(copied.config) == FIXED_ATTENTION
        torch.testing.assert_close(copied(**batch).logits, expected)


@pytest.mark.parametrize("name", NAMES)
def test_every_encoder_whose_padding_can_be_skipped(batch, name):
    model = small_encoder(name).eval()
    expected = model(**batch).last_hidden_state
    fix_shapes(model)
    torch.testing.assert_close(model(**batch).last_hidden_state, expected)
    if name == "XmodModel":
        return  # chooses the adapters of a language by values
    inputs = {name: values.to("meta") for name, values in batch.items()}
    assert model.to("meta")(**inputs).last_hidden_state.shape == expected.shape


def test_the_checkpoint_is_a_stock_checkpoint(config, tmp_path):
    model = BertForSequenceClassification(config)
    fix_shapes(model)
    model.save_pretrained(tmp_path)
    loaded, loading = BertForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    assert type(loaded.bert) is transformers.BertModel
