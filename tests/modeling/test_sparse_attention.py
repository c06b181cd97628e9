"""BigBird attends to blocks in long batches, whatever it has computed before."""

import copy

import pytest
import torch
from transformers import BertConfig, BertModel, BigBirdConfig, BigBirdForSequenceClassification

from bert_finetune_kit.modeling.padding import skip_padding

LONGEST_FULL = (5 + 2 * 1) * 4
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = BigBirdConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=80, attention_type="block_sparse", block_size=4, num_random_blocks=1, pad_token_id=0,
    )  # fmt: skip
    model = BigBirdForSequenceClassification(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def logits(model, tokens):
    ids = torch.arange(tokens).unsqueeze(0) % 59 + 1
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


def test_a_short_batch_does_not_change_a_later_long_one(model):
    long, stock = 64, copy.deepcopy(model)
    sparse = logits(copy.deepcopy(model), long)
    full = copy.deepcopy(model)
    full.bert.set_attention_type("original_full")
    assert not torch.allclose(sparse, logits(full, long), atol=1e-4)
    _, notes = skip_padding(model, True, on_xla=False)
    note = f"BigBirdModel attends to blocks (block_sparse) in batches of sequences of more than {LONGEST_FULL} tokens"
    assert any(text.startswith(note) for text in notes)
    state = torch.get_rng_state()
    short = logits(model, LONGEST_FULL)
    assert torch.equal(short, logits(full, LONGEST_FULL))
    assert torch.equal(logits(model, long), sparse)
    assert torch.equal(torch.get_rng_state(), state)  # so that a resumed training draws the same dropout
    logits(stock, LONGEST_FULL)
    assert not torch.allclose(logits(stock, long), sparse, atol=1e-4)  # what transformers does
    assert model.state_dict().keys() == stock.state_dict().keys()


def test_other_encoders_remain_as_they_are():
    model = BertModel(BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    skip_padding(model, False, on_xla=False)
    assert not model._forward_pre_hooks
