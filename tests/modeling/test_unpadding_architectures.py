"""Every architecture whose padding is skipped, against the stock model."""

import copy
import inspect
import pickle
import subprocess
import sys

import pytest
import torch
import transformers
from small_encoders import LOCAL, NAMES, WINDOW, encoder_config, randomize, small_encoder
from transformers import MODEL_MAPPING, AutoModel

from bert_finetune_kit.modeling import unpadding
from bert_finetune_kit.modeling.encoders import ENCODERS
from bert_finetune_kit.modeling.unpadding import pad_encoder, unpad_encoder, unpadded_encoders

HEADS = {
    "classification": transformers.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    "question answering": transformers.MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    "masked words": transformers.MODEL_FOR_MASKED_LM_MAPPING,
}
LENGTHS = (40, 20, 5, 1, 20, 12)
TYPED = {"AlbertModel", "BertModel", "ElectraModel", "ErnieModel", "NomicBertModel", "RoCBertModel"}
# What older releases of transformers may not have.
RECENT = {"EuroBertModel", "GteModel", "JinaEmbeddingsV3Model", "NomicBertModel", "UltrabertModel"}


def batch_of(lengths=LENGTHS, types=False):
    """Return a batch whose padding has the id of padding, which RoBERTa's positions are counted by."""
    generator = torch.Generator().manual_seed(0)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(5, 120, mask.shape, generator=generator).where(mask.bool(), 1)
    batch = {"input_ids": ids, "attention_mask": mask}
    if types:
        batch["token_type_ids"] = torch.randint(0, 2, mask.shape, generator=generator)
    return batch


def outputs_of(model, batch):
    """Return the states of real tokens, (tokens, hidden), and the pooled states, where the model has them."""
    output = model(**batch)
    pooled = getattr(output, "pooler_output", None)
    return [output.last_hidden_state[batch["attention_mask"].bool()], *([] if pooled is None else [pooled])]


def gradients_of(model, batch):
    model.zero_grad()
    sum(output.sin().sum() for output in outputs_of(model, batch)).backward()
    return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}


def assert_same(model, stock, batch):
    for output, expected in zip(outputs_of(model, batch), outputs_of(stock, batch), strict=True):
        torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)
    gradients, expected = gradients_of(model, batch), gradients_of(stock, batch)
    assert set(gradients) == set(expected)
    norm = torch.stack([value.norm() for value in expected.values()]).norm()
    assert torch.stack([(gradients[name] - value).norm() for name, value in expected.items()]).norm() / norm < 1e-5


def unpadded(stock):
    model = copy.deepcopy(stock)
    assert unpad_encoder(model)
    return model


def test_the_names_are_those_of_encoders():
    assert ENCODERS - set(NAMES) <= RECENT
    for name in NAMES:
        model_class = getattr(transformers, name)
        assert MODEL_MAPPING[model_class.config_class] is model_class


@pytest.mark.parametrize("name", NAMES)
def test_states_pooler_and_gradients_are_those_of_the_stock_model(name):
    stock = small_encoder(name)
    model = unpadded(stock)
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear) and module.in_features == 40]
    rows = []
    for layer in layers[:1]:  # of a feed-forward layer
        layer.register_forward_hook(lambda _, inputs, __: rows.append(inputs[0].shape[:-1].numel()))
    for types in (False, True) if name in TYPED else (False,):
        assert_same(model, stock, batch_of(types=types))
    assert set(rows) == {sum(LENGTHS)}  # padding is not computed


@pytest.mark.parametrize("name", NAMES)
def test_one_sequence_and_sequences_of_equal_length(name):
    stock = small_encoder(name)
    for lengths in ((1,), (9, 9, 9), (70, 66, 66, 9, 5)):
        assert_same(unpadded(stock), stock, batch_of(lengths))


@pytest.mark.parametrize("name", NAMES)
def test_in_evaluation(name):
    """Without gradients attention takes another way."""
    stock = small_encoder(name).eval()
    with torch.no_grad():
        for output, expected in zip(
            *(outputs_of(model, batch_of()) for model in (unpadded(stock), stock)), strict=True
        ):
            torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", NAMES)
def test_heads(name, heads):
    """A head may pass its inputs in its own way, and read more than the first token."""
    config, batch = encoder_config(name), batch_of()
    if type(config) not in HEADS[heads]:
        pytest.skip("there is no such head")
    stock = randomize(HEADS[heads][type(config)](config)).eval()
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        outputs, expected_outputs = (model(**batch).to_tuple() for model in (unpadded(stock), stock))
    for logits, expected in zip(outputs, expected_outputs, strict=True):
        of_tokens = logits.shape[:2] == real.shape
        torch.testing.assert_close(*((x[real] if of_tokens else x) for x in (logits, expected)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_hidden_states_are_those_of_the_stock_forward(name):
    stock, batch = small_encoder(name).eval(), batch_of()
    with torch.no_grad():
        output, expected = (model(**batch, output_hidden_states=True) for model in (unpadded(stock), stock))
    assert len(output.hidden_states) == len(expected.hidden_states) > 1
    for states, expected_states in zip(output.hidden_states, expected.hidden_states, strict=True):
        assert torch.equal(states, expected_states)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"AlbertModel"}))  # ALBERT does not support it
def test_gradient_checkpointing(name):
    stock = small_encoder(name)
    model = unpadded(stock)
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    assert_same(model, stock, batch_of())


@pytest.mark.parametrize("name", NAMES)
def test_dropout_is_drawn_for_each_sequence(name):
    model = unpadded(small_encoder(name, dropout=0.5))
    assert torch.nn.Dropout not in map(type, model.modules())  # but the kit's, whose random numbers are cheap
    batch = {key: value.repeat(2, 1) for key, value in batch_of((9,)).items()}
    first, second = model(**batch).last_hidden_state
    assert not torch.allclose(first, second)
    first, second = model.eval()(**batch).last_hidden_state
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_found_by_pickle_have_stock_names_and_are_undone(name, tmp_path):
    stock = small_encoder(name)
    model = unpadded(stock)
    pickled = pickle.dumps(model)
    assert type(model).__name__ == type(model).__qualname__ == name
    assert inspect.signature(type(model).forward) == inspect.signature(type(stock).forward)
    vars(unpadding).pop(name)  # as in a process that has not used it yet
    for copied in (copy.deepcopy(model), pickle.loads(pickled)):
        assert unpadded_encoders(copied) == [copied]
        assert isinstance(copied, type(stock))
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    assert type(loaded) is type(stock)
    assert loaded.config.architectures == [name]
    pad_encoder(model)
    assert [type(module) for module in model.modules()] == [type(module) for module in stock.modules()]


@pytest.mark.parametrize("name", sorted(LOCAL & set(NAMES)))
def test_windows_matter_and_count_padding_between_tokens(name):
    """The stock model, whose windows are columns of the batch, computes masks with holes."""
    stock, batch = small_encoder(name), batch_of()
    wider = small_encoder(name, sliding_window=40, local_attention=80)
    assert not torch.allclose(outputs_of(wider, batch)[0], outputs_of(stock, batch)[0], atol=1e-2)
    assert max(LENGTHS) > 2 * WINDOW
    batch["attention_mask"][0, 3:9] = 0
    assert_same(unpadded(stock), stock, batch)


def test_inputs_of_tokens_that_are_not_packed_are_left_to_the_stock_forward():
    """Such as the task of each token that ERNIE knows."""
    stock = small_encoder("ErnieModel", use_task_id=True)
    batch = batch_of() | {"task_type_ids": torch.randint(0, 3, (len(LENGTHS), 40))}
    assert_same(unpadded(stock), stock, batch)
    assert_same(unpadded(stock), stock, batch_of())


def test_arguments_by_position_are_those_of_the_stock_forward():
    """Their order differs: the third one of DistilBERT is `inputs_embeds`."""
    stock, batch = small_encoder("DistilBertModel"), batch_of()
    embedded = stock.embeddings.word_embeddings(batch["input_ids"])
    model = unpadded(stock)
    for arguments in ((batch["input_ids"], batch["attention_mask"]), (None, batch["attention_mask"], embedded)):
        states, expected = (encoder(*arguments).last_hidden_state for encoder in (model, stock))
        real = batch["attention_mask"].bool()
        torch.testing.assert_close(states[real], expected[real], atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_no_architecture_is_imported_before_it_is_used():
    code = "import sys, bert_finetune_kit.modeling.padding; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "transformers" in modules
    modules = [name for name in modules if not name.startswith("transformers.models.auto.")]  # names, not architectures
    assert not [name for name in modules if name.startswith("transformers.models.") and ".modeling_" in name]
