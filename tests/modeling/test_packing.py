"""The packing of a batch: what a collator adds, and how it travels."""

import pickle
from types import SimpleNamespace

import pytest
import torch
from accelerate.utils import send_to_device
from heads import make_head
from torch import nn
from transformers import BertForSequenceClassification, MPNetConfig, MPNetModel

from bert_finetune_kit.modeling.attention_parts import Blocks, Group, Sequences
from bert_finetune_kit.modeling.packing import PACKING, PackingCollator, PartsCollator, plan_packing
from bert_finetune_kit.modeling.unpadding import pad_encoder, unpad_encoder, with_packing
from bert_finetune_kit.training.session import training_collator

MASK = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]])


def collate(examples):
    return {"input_ids": MASK, "attention_mask": MASK}


def tensors_of(packing):
    tensors = []
    packing.moved(lambda tensor: tensors.append(tensor) or tensor)
    return tensors


def test_a_batch_brings_what_its_device_needs():
    assert [type(part) for part in plan_packing(MASK, "cpu").parts] == [Blocks]
    assert [type(part) for part in plan_packing(torch.ones(2, 40), "cpu").parts] == [Group]
    [part] = PackingCollator(collate, "cuda")([])[PACKING].parts
    assert isinstance(part, Sequences)
    assert (part.cu_seqlens.tolist(), part.max_seqlen, part.lengths) == ([0, 1, 3, 6], 3, (1, 2, 3))


def test_it_travels_like_a_tensor(monkeypatch):
    """To a GPU by Accelerate, by way of pinned memory, and between processes."""
    batch = PackingCollator(collate, "cpu")([])
    moved = send_to_device(batch, torch.device("meta"))[PACKING]
    assert {tensor.device.type for tensor in tensors_of(moved)} == {"meta"}
    assert len(tensors_of(moved)) == 4
    assert batch[PACKING].to("cpu") is batch[PACKING]
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor)
    torch.utils.data._utils.pin_memory.pin_memory(batch)
    assert len(pinned) == 4 + 2
    copied = pickle.loads(pickle.dumps(batch[PACKING]))
    for tensor, expected in zip(tensors_of(copied), tensors_of(batch[PACKING]), strict=True):
        assert torch.equal(tensor, expected)


@pytest.mark.parametrize("mask", [[[1, 1], [0, 1]], [[0, 0], [1, 1]]])
def test_rows_that_begin_with_padding_are_left_to_the_stock_forward(mask):
    assert plan_packing(torch.tensor(mask)) is None
    batch = PackingCollator(lambda _: {"attention_mask": torch.tensor(mask)}, "cuda")([])
    assert PACKING not in batch


def test_a_packing_of_another_batch_is_not_used(tokenizer):
    head = make_head("single_label", tokenizer)
    model, batch = head.model.eval(), head.batch()
    expected = head.forward(model, head.collator(head.examples)).logits
    other = {**batch, PACKING: PackingCollator(collate, "cpu")([])[PACKING]}
    assert torch.equal(head.forward(model, other).logits, expected)


class WithoutFurtherArguments(BertForSequenceClassification):
    """A head that would not know what to do with a packing."""

    def forward(self, input_ids=None, attention_mask=None):
        """Return the logits."""
        return super().forward(input_ids, attention_mask)


def test_only_models_that_can_use_it_get_one(config):
    model = WithoutFurtherArguments(config)
    assert unpad_encoder(model)
    assert with_packing(collate, model, "cpu") is collate
    model = BertForSequenceClassification(config)
    assert with_packing(collate, model, "cpu") is collate  # its padding is computed
    unpad_encoder(model)
    assert isinstance(with_packing(collate, nn.Sequential(model), "cpu"), PackingCollator)
    pad_encoder(model)
    small = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    assert with_packing(collate, MPNetModel(MPNetConfig(**small, num_hidden_layers=1)), "cpu") is collate


def test_batches_that_accelerate_joins_and_cuts_have_none(tokenizer):
    head = make_head("masked words", tokenizer)
    args = SimpleNamespace(device="cpu", torch_compile=False, accelerator_config=SimpleNamespace(dispatch_batches=None))
    whole = set(training_collator(head.collator, head.model, args)(head.examples))
    args.accelerator_config.dispatch_batches = True
    collator = training_collator(head.collator, head.model, args)
    assert isinstance(collator, PartsCollator)
    assert whole - set(collator(head.examples)) == {PACKING, "prediction_positions"}
