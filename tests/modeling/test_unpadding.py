"""Real tokens alone against the stock model: logits and gradients of every head."""

import copy
import pickle

import pytest
import torch
import transformers
from transformers import BertConfig

from bert_finetune_kit.modeling.attention import ATTENTION, Group, lay_out, to_blocks, varlen_attention
from bert_finetune_kit.modeling.lora import add_lora, lora_config
from bert_finetune_kit.modeling.unpadding import pack, pad_encoder, unpad_encoder

HEADS = (
    "BertModel", "BertForPreTraining", "BertForMaskedLM", "BertForNextSentencePrediction", "BertForQuestionAnswering",
    "BertForSequenceClassification", "BertForMultipleChoice", "BertForTokenClassification",
)  # fmt: skip
LENGTHS = (20, 5, 7, 5, 12, 1, 7, 20)


@pytest.fixture
def stock_of(config):
    def stock_of(head):
        torch.manual_seed(0)
        return getattr(transformers, head)(config).train()

    return stock_of


def batch_of(lengths=LENGTHS, seed=0, left=False, kinds=True):
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    mask = (torch.arange(shape[1]) < torch.tensor(lengths)[:, None]).long()
    batch = {
        "input_ids": torch.randint(5, 500, shape, generator=generator),
        "attention_mask": mask.flip(1) if left else mask,
    }
    if kinds:
        batch["token_type_ids"] = torch.randint(0, 2, shape, generator=generator)
    return batch


def told_by(model, batch):
    """Return what the model says of real tokens and sequences, and the gradients of it."""
    model.zero_grad()
    outputs = [value for value in model(**batch).to_tuple() if torch.is_tensor(value) and value.ndim > 1]
    mask = batch["attention_mask"].bool()
    outputs = [value[mask] if value.shape[: mask.ndim] == mask.shape else value for value in outputs]
    torch.stack([value.float().sin().sum() for value in outputs]).sum().backward()
    gradients = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    return outputs, {name.replace("module.", ""): value.clone() for name, value in gradients.items()}


def assert_same(one, other):
    for ours, theirs in zip(one[0], other[0], strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=1e-5)
    assert set(one[1]) == set(other[1])
    norm = torch.stack([value.norm() for value in other[1].values()]).norm()
    assert torch.stack([(one[1][name] - value).norm() for name, value in other[1].items()]).norm() / norm < 1e-5


def unpadded(model):
    ours = copy.deepcopy(model)
    assert unpad_encoder(ours)
    return ours


@pytest.mark.parametrize("head", HEADS)
def test_every_head_is_that_of_the_stock_model(stock_of, head):
    stock = stock_of(head)
    batches = [batch_of(), batch_of(kinds=False), batch_of((9,)), batch_of((6, 6, 6)), batch_of((90, 7, 70, 70, 33))]
    for batch in batches:
        if head == "BertForMultipleChoice":
            batch = {name: value.unsqueeze(0) for name, value in batch.items()}
        assert_same(told_by(unpadded(stock), batch), told_by(stock, batch))


@pytest.mark.parametrize("head", ["Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification"])
@pytest.mark.parametrize("family", ["Roberta", "Electra"])
def test_encoders_of_the_same_form(config, family, head):
    """RoBERTa tells positions by what is padding; ELECTRA's embeddings are narrower than its layers."""
    settings = config.to_dict() | {"embedding_size": 16, "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3}
    settings = {name: value for name, value in settings.items() if name not in ("model_type", "architectures")}
    torch.manual_seed(0)
    stock = getattr(transformers, family + head)(getattr(transformers, f"{family}Config")(**settings)).train()
    for lengths in (LENGTHS, (9,), (90, 7, 70, 70, 33)):
        batch = batch_of(lengths, kinds=False)
        batch["input_ids"][batch["attention_mask"] == 0] = 1
        assert_same(told_by(unpadded(stock), batch), told_by(stock, batch))
    ours = unpadded(stock)
    pad_encoder(ours)
    assert [type(module) for module in ours.modules()] == [type(module) for module in stock.modules()]


@pytest.mark.parametrize("head", ["BertModel", "BertForSequenceClassification", "BertForQuestionAnswering"])
@pytest.mark.parametrize("kind", ["left padding", "a row of padding", "holes"])
def test_odd_masks(stock_of, head, kind):
    stock, batch = stock_of(head), batch_of(left=kind == "left padding")
    if kind == "a row of padding":
        batch["attention_mask"][2] = 0
    if kind == "holes":
        batch["attention_mask"][0, 4:9] = 0
    assert_same(told_by(unpadded(stock), batch), told_by(stock, batch))


def test_positions_may_be_given(stock_of):
    stock, batch = stock_of("BertModel"), batch_of()
    batch["position_ids"] = torch.arange(20).flip(0).unsqueeze(0)
    assert_same(told_by(unpadded(stock), batch), told_by(stock, batch))


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_padding_is_not_computed(family):
    """The dense layers see as many rows as there are real tokens."""
    settings = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    model = unpadded(getattr(transformers, f"{family}Model")(getattr(transformers, f"{family}Config")(**settings)))
    seen = []
    model.encoder.layer[0].intermediate.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    model(**batch_of())
    assert seen == [(1, sum(LENGTHS), 32)]


def test_where_real_tokens_are():
    packing = pack(batch_of()["attention_mask"])
    assert sorted(packing.places.tolist()) == batch_of()["attention_mask"].flatten().nonzero().squeeze(1).tolist()
    assert packing.places[0] == 5 * 20  # the shortest sequence comes first


def test_short_sequences_share_blocks_and_long_ones_of_a_length_a_call():
    short = [3, 9, 9, 20, 30, 32]
    blocks, *groups = lay_out([*short, 50, 70, 70])
    assert groups == [Group(1, 50), Group(2, 70)]
    assert blocks.tokens == sum(short)
    assert blocks.sequence.shape == (2, 64)
    assert [set(row.tolist()) - {-1} for row in blocks.sequence] == [{0, 1, 2, 3}, {4, 5}]
    assert lay_out([9, 9, 9]) == [Group(3, 9)]  # nothing to fill up


def as_on_a_gpu(lengths, device):
    assert lengths == sorted(lengths)
    return [to_blocks(lengths, -(-lengths[-1] // 8) * 8, device)]


@pytest.mark.parametrize("lengths", [LENGTHS, (9,), (90, 7, 70, 70, 33)])
def test_blocks_as_wide_as_the_longest(stock_of, monkeypatch, lengths):
    """What GPUs do, on a CPU."""
    monkeypatch.setattr("bert_finetune_kit.modeling.unpadding.lay_out", as_on_a_gpu)
    stock, batch = stock_of("BertForTokenClassification"), batch_of(lengths)
    assert_same(told_by(unpadded(stock), batch), told_by(stock, batch))
    with torch.no_grad():
        one, other = (model(**batch).logits[batch["attention_mask"].bool()] for model in (unpadded(stock), stock))
    torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-5)


def test_on_a_gpu_all_sequences_share_one_part():
    [part] = lay_out([3, 9, 50, 70, 70], "meta")
    assert part.sequence.shape == (3, 72)  # 3 + 9 + 50, 70, 70
    assert part.longest == 70
    assert to_blocks([3, 9, 50, 70, 70], 72).starts.tolist() == [0, 3, 12, 62, 132, 202]


def test_attention_of_variable_lengths(stock_of, monkeypatch):
    """It is given each sequence by where it begins and ends."""

    def varlen(query, key, value, starts, key_starts, longest, _, *, scale):
        assert starts.dtype == torch.int32
        assert longest == 20
        rows = []
        for first, end in zip(starts[:-1], key_starts[1:], strict=True):
            q, k, v = (states[first:end].transpose(0, 1) for states in (query, key, value))
            rows.append(((q @ k.transpose(1, 2) * scale).softmax(-1) @ v).transpose(0, 1))
        return torch.cat(rows)

    monkeypatch.setattr("bert_finetune_kit.modeling.unpadding.lay_out", as_on_a_gpu)
    monkeypatch.setattr("bert_finetune_kit.modeling.attention.varlen_attention", lambda *_: varlen)
    stock, batch = stock_of("BertForTokenClassification"), batch_of()
    with torch.no_grad():
        one, other = (model(**batch).logits[batch["attention_mask"].bool()] for model in (unpadded(stock), stock))
    torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-5)


class FakeState:
    """Stands for states on a GPU."""

    def __init__(self, dtype=torch.bfloat16, size=64, is_cuda=True):
        self.dtype, self.shape, self.is_cuda, self.device = dtype, (1, 12, 100, size), is_cuda, "cuda"


@pytest.mark.parametrize(
    ("state", "dropout", "capability", "told"),
    [
        (FakeState(), 0.0, (9, 0), True),
        (FakeState(), 0.1, (9, 0), False),
        (FakeState(torch.float32), 0.0, (9, 0), False),
        (FakeState(size=12), 0.0, (9, 0), False),
        (FakeState(), 0.0, (7, 5), False),
        (FakeState(is_cuda=False), 0.0, (9, 0), False),
    ],
)
def test_where_attention_of_variable_lengths_can_be_had(monkeypatch, state, dropout, capability, told):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert (varlen_attention(state, dropout) is not None) == told


def test_gradient_checkpointing(stock_of):
    stock = stock_of("BertForSequenceClassification")
    ours = unpadded(stock)
    ours.activation_checkpointing_enable()
    assert_same(told_by(ours, batch_of()), told_by(stock, batch_of()))


def test_lora(stock_of):
    stock = stock_of("BertForSequenceClassification")
    wrapped = add_lora(stock, lora_config({"r": 2, "lora_dropout": 0.0}), ["classifier"]).train()
    for name, value in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value)
    assert_same(told_by(unpadded(wrapped), batch_of()), told_by(wrapped, batch_of()))


def test_bf16(stock_of):
    stock, batch = stock_of("BertForTokenClassification").eval(), batch_of()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        one, other = (model(**batch).logits[batch["attention_mask"].bool()] for model in (unpadded(stock), stock))
    torch.testing.assert_close(one, other, atol=2e-2, rtol=2e-2)


def test_dropout_is_drawn_for_each_sequence(config):
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.5
    model = transformers.BertModel(config).train()
    unpad_encoder(model)
    batch = {name: value.repeat(2, 1) for name, value in batch_of((9,)).items()}
    one, other = model(**batch).last_hidden_state
    assert not torch.allclose(one, other)
    assert not torch.equal(model(**batch).last_hidden_state[0], one)


def test_what_only_the_stock_forward_can_do(stock_of):
    stock, batch = stock_of("BertForSequenceClassification").eval(), batch_of()
    ours = unpadded(stock)
    for asked in ({"output_hidden_states": True}, {"return_dict": False}):
        one, other = (model(**batch, **asked) for model in (ours, stock))
        told = [x.to_tuple() if hasattr(x, "to_tuple") else x for x in (one, other)]
        torch.testing.assert_close(told[0][0], told[1][0])
        assert len(told[0]) == len(told[1])
    embedded = stock.bert.embeddings.word_embeddings(batch["input_ids"])
    given = {"inputs_embeds": embedded, "attention_mask": batch["attention_mask"]}
    torch.testing.assert_close(ours(**given).logits, stock(**given).logits)
    torch.testing.assert_close(ours(batch["input_ids"]).logits, stock(batch["input_ids"]).logits)


def test_it_is_undone_and_leaves_the_checkpoint_stock(stock_of, tmp_path):
    stock = stock_of("BertForSequenceClassification")
    ours = unpadded(stock)
    ours.save_pretrained(tmp_path)
    stock.save_pretrained(tmp_path / "stock")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "stock" / name).read_bytes()
    for again in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert_same(told_by(again, batch_of()), told_by(stock, batch_of()))
        assert again.config._attn_implementation == ATTENTION
    pad_encoder(ours)
    assert type(ours.bert) is transformers.BertModel
    assert ours.config._attn_implementation == "sdpa"
    assert_same(told_by(ours, batch_of()), told_by(stock, batch_of()))


def test_what_is_no_bert_stays_as_it_is():
    other = transformers.DistilBertModel(transformers.DistilBertConfig(vocab_size=50, dim=16, hidden_dim=16, n_heads=2))
    assert not unpad_encoder(other)
    eager = transformers.BertModel(BertConfig(num_hidden_layers=1, hidden_size=24, attn_implementation="eager"))
    assert not unpad_encoder(eager)
    assert type(eager) is transformers.BertModel
    assert unpad_encoder(unpadded(transformers.BertModel(BertConfig(num_hidden_layers=1, hidden_size=24))))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of what dynamo does with tensors and functions
def test_compiled(stock_of):
    """torch.compile breaks its graph where sequences are counted, and gives the same."""
    stock = stock_of("BertForSequenceClassification")
    compiled = torch.compile(unpadded(stock), backend="eager")
    for batch in (batch_of(), batch_of((9, 4))):
        one, other = (model(**batch).logits for model in (compiled, stock))
        torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-5)
        one.sum().backward()
