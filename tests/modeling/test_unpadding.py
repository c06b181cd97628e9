"""Encoders that skip padding against stock ones: logits and gradients of every head."""

import copy
import inspect
import pickle
from collections import Counter
from itertools import accumulate, pairwise

import pytest
import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import BertConfig

from bert_finetune_kit.compat.transformers import get_attn_implementation
from bert_finetune_kit.modeling import unpadding
from bert_finetune_kit.modeling.attention import UNPADDED_ATTENTION
from bert_finetune_kit.modeling.attention_parts import Group, Sequences, plan_attention
from bert_finetune_kit.modeling.lora import add_lora, lora_config
from bert_finetune_kit.modeling.packing import plan_packing
from bert_finetune_kit.modeling.unpadding import pad_encoder, unpad_encoder

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


def run(model, batch):
    """Return the outputs for real tokens and sequences, and their gradients."""
    model.zero_grad()
    outputs = [value for value in model(**batch).to_tuple() if torch.is_tensor(value) and value.ndim > 1]
    mask = batch["attention_mask"].bool()
    outputs = [value[mask] if value.shape[: mask.ndim] == mask.shape else value for value in outputs]
    torch.stack([value.float().sin().sum() for value in outputs]).sum().backward()
    gradients = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    return outputs, {name.replace("module.", ""): value.clone() for name, value in gradients.items()}


def assert_same(actual, expected):
    (outputs, gradients), (expected_outputs, expected_gradients) = actual, expected
    for output, expected_output in zip(outputs, expected_outputs, strict=True):
        torch.testing.assert_close(output, expected_output, atol=2e-6, rtol=1e-5)
    assert set(gradients) == set(expected_gradients)
    norm = torch.stack([value.norm() for value in expected_gradients.values()]).norm()
    differences = [(gradients[name] - value).norm() for name, value in expected_gradients.items()]
    assert torch.stack(differences).norm() / norm < 1e-5


def unpadded(model):
    model = copy.deepcopy(model)
    assert unpad_encoder(model)
    return model


@pytest.mark.parametrize("head", HEADS)
def test_every_head_equals_the_stock_model(stock_of, head):
    stock = stock_of(head)
    batches = [batch_of(), batch_of(kinds=False), batch_of((9,)), batch_of((6, 6, 6)), batch_of((90, 7, 70, 70, 33))]
    for batch in batches:
        if head == "BertForMultipleChoice":
            batch = {name: value.unsqueeze(0) for name, value in batch.items()}
        assert_same(run(unpadded(stock), batch), run(stock, batch))


@pytest.mark.parametrize("head", ["Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification"])
@pytest.mark.parametrize("family", ["Roberta", "Electra"])
def test_encoders_of_the_same_form(config, family, head):
    """RoBERTa derives positions from what is padding; ELECTRA's embeddings are narrower than its layers."""
    settings = config.to_dict() | {"embedding_size": 16, "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3}
    settings = {name: value for name, value in settings.items() if name not in ("model_type", "architectures")}
    torch.manual_seed(0)
    stock = getattr(transformers, family + head)(getattr(transformers, f"{family}Config")(**settings)).train()
    for lengths in (LENGTHS, (9,), (90, 7, 70, 70, 33)):
        batch = batch_of(lengths, kinds=False)
        batch["input_ids"][batch["attention_mask"] == 0] = 1
        assert_same(run(unpadded(stock), batch), run(stock, batch))
    model = unpadded(stock)
    pad_encoder(model)
    assert [type(module) for module in model.modules()] == [type(module) for module in stock.modules()]


@pytest.mark.parametrize("head", ["BertModel", "BertForSequenceClassification", "BertForQuestionAnswering"])
@pytest.mark.parametrize("kind", ["left padding", "a row of padding", "holes"])
def test_odd_masks(stock_of, head, kind):
    stock, batch = stock_of(head), batch_of(left=kind == "left padding")
    if kind == "a row of padding":
        batch["attention_mask"][2] = 0
    if kind == "holes":
        batch["attention_mask"][0, 4:9] = 0
    assert_same(run(unpadded(stock), batch), run(stock, batch))


def test_positions_may_be_given(stock_of):
    stock, batch = stock_of("BertModel"), batch_of()
    batch["position_ids"] = torch.arange(20).flip(0).unsqueeze(0)
    assert_same(run(unpadded(stock), batch), run(stock, batch))


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_padding_is_not_computed(family):
    """The dense layers see as many rows as there are real tokens."""
    settings = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    model = unpadded(getattr(transformers, f"{family}Model")(getattr(transformers, f"{family}Config")(**settings)))
    shapes = []
    model.encoder.layer[0].intermediate.register_forward_hook(lambda _, inputs, __: shapes.append(inputs[0].shape))
    model(**batch_of())
    assert shapes == [(1, sum(LENGTHS), 32)]


class Operations(TorchDispatchMode):
    """Counts the operations of torch by name."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, function, types, arguments=(), settings=None):
        self.counts[function.overloadpacket._qualified_op_name] += 1
        return function(*arguments, **(settings or {}))


def test_no_layer_copies_a_gradient_into_zeros(config):
    """As the backward of an index of a dimension of 1 would, three times in a layer."""
    counts = []
    for layers in (1, 3):
        model = unpadded(transformers.BertModel(BertConfig(**config.to_dict() | {"num_hidden_layers": layers})))
        output = model(**batch_of())
        with Operations() as operations:
            output.pooler_output.sum().backward()
        counts.append(operations.counts["aten::select_backward"])
    assert counts == [1, 1]  # of the first token, which the pooler reads


def test_indices_of_real_tokens():
    packing = plan_packing(batch_of()["attention_mask"])
    assert sorted(packing.indices.tolist()) == batch_of()["attention_mask"].flatten().nonzero().squeeze(1).tolist()
    assert packing.indices[0] == 5 * 20  # the shortest sequence comes first


def test_short_sequences_share_blocks_and_longer_ones_of_equal_length_a_call():
    short = [3, 9, 9, 20, 30, 32]
    blocks, *groups = plan_attention([*short, 50, 70, 70])
    assert groups == [Group(1, 50), Group(2, 70)]
    assert blocks.tokens == sum(short)
    assert blocks.sequence_ids.shape == (2, 64)
    assert [set(row.tolist()) - {-1} for row in blocks.sequence_ids] == [{0, 1, 2, 3}, {4, 5}]
    assert plan_attention([9, 9, 9]) == (Group(3, 9),)  # nothing to fill up


def as_on_a_gpu(lengths, *_):
    assert lengths == sorted(lengths)
    return (Sequences(tuple(lengths), torch.tensor([0, *accumulate(lengths)], dtype=torch.int32), max(lengths)),)


@pytest.mark.parametrize("lengths", [LENGTHS, (9,), (90, 7, 70, 70, 33)])
def test_blocks_as_wide_as_the_longest(stock_of, monkeypatch, lengths):
    """What GPUs do, on a CPU."""

    def plan(lengths, *_):
        [part] = as_on_a_gpu(lengths)
        return (part.blocks,)

    monkeypatch.setattr("bert_finetune_kit.modeling.packing.plan_attention", plan)
    stock, batch = stock_of("BertForTokenClassification"), batch_of(lengths)
    assert_same(run(unpadded(stock), batch), run(stock, batch))
    with torch.no_grad():
        mask = batch["attention_mask"].bool()
        logits, expected = (model(**batch).logits[mask] for model in (unpadded(stock), stock))
    torch.testing.assert_close(logits, expected, atol=2e-6, rtol=1e-5)


def test_on_a_gpu_all_sequences_share_one_part():
    [part] = (part.moved(lambda tensor: tensor.to("meta")) for part in plan_attention([3, 9, 50, 70, 70], "cuda"))
    assert (part.max_seqlen, part.tokens) == (70, 202)
    assert (part.cu_seqlens.device.type, part.cu_seqlens.dtype) == ("meta", torch.int32)
    assert part.blocks is part.blocks
    assert part.blocks.sequence_ids.shape == (3, 72)  # 3 + 9 + 50, 70, 70


def test_a_kernel_of_variable_lengths(stock_of, monkeypatch):
    """It gets each sequence by its start and end."""

    def kernel(query, key, value, cu_seqlens, max_seqlen, dropout, scale):
        assert (cu_seqlens.tolist(), max_seqlen, dropout) == ([0, *accumulate(sorted(LENGTHS))], 20, 0.0)
        rows = []
        for first, end in pairwise(cu_seqlens.tolist()):
            q, k, v = (states[first:end].transpose(0, 1) for states in (query, key, value))
            rows.append(((q @ k.transpose(1, 2) * scale).softmax(-1) @ v).transpose(0, 1))
        return torch.cat(rows)

    monkeypatch.setattr("bert_finetune_kit.modeling.packing.plan_attention", as_on_a_gpu)
    monkeypatch.setattr("bert_finetune_kit.modeling.attention.variable_length_kernel", lambda *_: kernel)
    stock, batch = stock_of("BertForTokenClassification"), batch_of()
    with torch.no_grad():
        mask = batch["attention_mask"].bool()
        logits, expected = (model(**batch).logits[mask] for model in (unpadded(stock), stock))
    torch.testing.assert_close(logits, expected, atol=2e-6, rtol=1e-5)


def test_gradient_checkpointing(stock_of):
    stock = stock_of("BertForSequenceClassification")
    model = unpadded(stock)
    # older versions of transformers only have the name that newer ones deprecate
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    assert_same(run(model, batch_of()), run(stock, batch_of()))


def test_lora(stock_of):
    stock = stock_of("BertForSequenceClassification")
    wrapped = add_lora(stock, lora_config({"r": 2, "lora_dropout": 0.0}), ["classifier"]).train()
    for name, value in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value)
    assert_same(run(unpadded(wrapped), batch_of()), run(wrapped, batch_of()))


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_derived_classes_are_found_by_pickle_and_have_stock_names(family):
    stock = getattr(transformers, f"{family}Model")
    derived = getattr(unpadding, f"{family}Model")
    assert pickle.loads(pickle.dumps(derived)) is derived is not stock
    assert issubclass(derived, stock)
    assert inspect.signature(derived.forward) == inspect.signature(stock.forward)
    assert (derived.__name__, derived.__qualname__) == (stock.__name__, stock.__qualname__)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_lora_copied(stock_of):
    """Copies of a wrapped model skip padding, too."""
    wrapped = unpadded(add_lora(stock_of("BertForSequenceClassification"), lora_config({"r": 2}), ["classifier"]))
    for copied in (copy.deepcopy(wrapped), pickle.loads(pickle.dumps(wrapped))):
        assert unpad_encoder(copied)
        assert_same(run(copied.eval(), batch_of()), run(wrapped.eval(), batch_of()))


def test_bf16(stock_of):
    stock, batch = stock_of("BertForTokenClassification").eval(), batch_of()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        mask = batch["attention_mask"].bool()
        logits, expected = (model(**batch).logits[mask] for model in (unpadded(stock), stock))
    torch.testing.assert_close(logits, expected, atol=2e-2, rtol=2e-2)


def test_dropout_is_drawn_for_each_sequence(config):
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.5
    model = transformers.BertModel(config).train()
    unpad_encoder(model)
    batch = {name: value.repeat(2, 1) for name, value in batch_of((9,)).items()}
    first, second = model(**batch).last_hidden_state
    assert not torch.allclose(first, second)
    assert not torch.equal(model(**batch).last_hidden_state[0], first)


def test_what_only_the_stock_forward_supports(stock_of):
    stock, batch = stock_of("BertForSequenceClassification").eval(), batch_of()
    model = unpadded(stock)
    for arguments in ({"output_hidden_states": True}, {"return_dict": False}):
        outputs = [encoder(**batch, **arguments) for encoder in (model, stock)]
        actual, expected = (output.to_tuple() if hasattr(output, "to_tuple") else output for output in outputs)
        torch.testing.assert_close(actual[0], expected[0])
        assert len(actual) == len(expected)
    embedded = stock.bert.embeddings.word_embeddings(batch["input_ids"])
    inputs = {"inputs_embeds": embedded, "attention_mask": batch["attention_mask"]}
    torch.testing.assert_close(model(**inputs).logits, stock(**inputs).logits)
    torch.testing.assert_close(model(batch["input_ids"]).logits, stock(batch["input_ids"]).logits)


def test_copies_undoing_and_a_stock_checkpoint(stock_of, tmp_path):
    stock = stock_of("BertForSequenceClassification")
    model = unpadded(stock)
    model.save_pretrained(tmp_path)
    stock.save_pretrained(tmp_path / "stock")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "stock" / name).read_bytes()
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_same(run(copied, batch_of()), run(stock, batch_of()))
        assert type(copied.bert) is type(model.bert) is not transformers.BertModel
        assert get_attn_implementation(copied.config) == UNPADDED_ATTENTION
    pad_encoder(model)
    assert type(model.bert) is transformers.BertModel
    assert get_attn_implementation(model.config) == "sdpa"
    assert_same(run(model, batch_of()), run(stock, batch_of()))


def test_other_encoders_and_attentions_do_not_change():
    settings = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    assert not unpad_encoder(transformers.MPNetModel(transformers.MPNetConfig(**settings)))
    eager = transformers.BertModel(BertConfig(num_hidden_layers=1, hidden_size=24, attn_implementation="eager"))
    assert not unpad_encoder(eager)
    assert type(eager) is transformers.BertModel
    assert unpad_encoder(unpadded(transformers.BertModel(BertConfig(num_hidden_layers=1, hidden_size=24))))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of what dynamo does with tensors and functions
def test_compiled(stock_of):
    """torch.compile breaks its graph where sequences are counted; the results are the same."""
    stock = stock_of("BertForSequenceClassification")
    compiled = torch.compile(unpadded(stock), backend="eager")
    for batch in (batch_of(), batch_of((9, 4))):
        logits, expected = (model(**batch).logits for model in (compiled, stock))
        torch.testing.assert_close(logits, expected, atol=2e-6, rtol=1e-5)
        logits.sum().backward()
