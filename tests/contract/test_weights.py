"""Heads on a checkpoint of every architecture: loading, saving, counting, freezing, adapters, lengths."""

import copy

import pytest
import torch
import transformers
from encoders import stock_model, tiny_config
from peft import PeftModel
from promises import EACH, holds
from safetensors.torch import load_file
from torch import nn

from bert_finetune_kit import ClassificationConfig, ModelError, PretrainConfig
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.model import build_model as build_classifier
from bert_finetune_kit.modeling.architecture import head_modules, layer_faults, max_positions
from bert_finetune_kit.modeling.layers import layer_of
from bert_finetune_kit.modeling.loading import names_in_memory
from bert_finetune_kit.modeling.lora import add_lora, lora_config, merge_lora
from bert_finetune_kit.modeling.parameters import parameter_report
from bert_finetune_kit.modeling.trainable import freeze, lr_multiplier
from bert_finetune_kit.modeling.unpadding import unpad_encoder
from bert_finetune_kit.pretraining.model import build_model as build_pretraining
from bert_finetune_kit.question_answering.model import build_model as build_answering

pytestmark = pytest.mark.filterwarnings("ignore")
ENCODERS = pytest.mark.parametrize("model_type", EACH)
BUILD = {
    "SequenceClassification": lambda model: build_classifier(model, LabelSet(("bad", "good", "middling")), 0),
    "QuestionAnswering": lambda model: build_answering(model, 0),
    "MaskedLM": lambda model: build_pretraining(model, "none", 0),
}


@torch.no_grad()
def logits(model, model_type):
    ids = torch.arange(24).view(2, 12) + 20
    if model_type == "longformer":  # reads the separators of question and text
        ids[:, [3, 4, 11]] = model.config.sep_token_id
    output = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids))
    return output.logits if "logits" in output else torch.stack([output.start_logits, output.end_logits])


@ENCODERS
def test_a_head_on_a_checkpoint_is_saved_as_a_stock_model(model_type, tmp_path):
    """From masked words to each head and back, with no weight missing, unexpected, or new in the encoder."""
    words = stock_model(model_type, "MaskedLM")
    words.save_pretrained(tmp_path / "words")
    for task, build in BUILD.items():
        model, new = build(str(tmp_path / "words"))
        assert (new == []) == (task == "MaskedLM")
        assert all("pooler" in name or name.split(".")[0] in head_modules(model) for name in new)
        unpad_encoder(model)
        expected = logits(model, model_type)
        model.save_pretrained(tmp_path / task)
        stock = getattr(transformers, f"AutoModelFor{task}")
        loaded, loading = stock.from_pretrained(tmp_path / task, output_loading_info=True)
        assert not any(loading[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
        torch.testing.assert_close(logits(loaded, model_type), expected, atol=1e-5, rtol=1e-4)
        report = parameter_report(loaded)
        assert report.total == sum(value.numel() for value in loaded.parameters())
        assert report.total == sum(value.numel() for value in unique(model))


def unique(model):
    return {id(value): value for value in model.parameters()}.values()


@ENCODERS
def test_objectives_for_pairs(model_type):
    config = tiny_config(model_type)
    assert (PretrainConfig(max_length=16, objective="nsp").model_faults(config) == []) == holds(model_type, "pairs")
    assert PretrainConfig(max_length=16, objective="none").model_faults(config) == []


@ENCODERS
def test_the_longest_sequence(model_type):
    """A sequence as long as `max_length` may be is computed, and one of more tokens is not."""
    config = tiny_config(model_type)
    longest = max_positions(config)
    if longest is None:
        return
    assert ClassificationConfig(max_length=longest).model_faults(config) == []
    assert "positions" in ClassificationConfig(max_length=longest + 1).model_faults(config)[0]
    model = stock_model(model_type, "MaskedLM")
    for length in (longest, longest + 1):
        ids = torch.full((1, length), 20)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if length == longest:
            model(**inputs)
        else:
            with pytest.raises((RuntimeError, IndexError)):
                model(**inputs)


@ENCODERS
def test_layers_are_frozen_or_learn_more_slowly(model_type):
    config = tiny_config(model_type)
    assert (layer_faults(config) == []) == holds(model_type, "layers")
    if not holds(model_type, "layers"):
        for setting in ({"freeze_layers": 1}, {"layer_decay": 0.5}):
            assert ClassificationConfig(**setting).model_faults(config)
        return
    model = stock_model(model_type, "SequenceClassification")
    freeze(model, layers=1)
    numbers = {value: set() for value in (True, False)}
    for name, value in model.named_parameters():
        numbers[value.requires_grad].add(layer_of(name))
    layers = config.num_hidden_layers
    assert numbers[False] == {None, 0}  # None: the embeddings
    assert numbers[True] == {None, *range(1, layers)}
    assert not model.get_input_embeddings().weight.requires_grad
    for head in head_modules(model):
        for name, value in getattr(model, head).named_parameters():
            assert value.requires_grad
            assert lr_multiplier(f"{head}.{name}", layers, 0.5) == 1
    rates = {lr_multiplier(name, layers, 0.5) for name, _ in model.base_model.named_parameters()}
    assert rates >= {0.5**power for power in range(1, layers + 2)}


@ENCODERS
def test_adapters(model_type, tmp_path):
    """Adapters change the logits; merged, and beside the first model, they give the same ones."""
    stock = stock_model(model_type, "SequenceClassification")
    heads = head_modules(stock)
    if not holds(model_type, "LoRA"):
        with pytest.raises(ModelError, match=r"name target_modules|which peft cannot merge"):
            add_lora(copy.deepcopy(stock), lora_config({"r": 4}), heads)
        return
    before = logits(stock, model_type)
    model = add_lora(copy.deepcopy(stock), lora_config({"r": 4}), heads)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    assert all("lora_" in name or "modules_to_save" in name for name in trained)
    assert {layer_of(name) for name in trained} >= set(range(stock.config.num_hidden_layers - (model_type == "albert")))
    for name, value in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(value, std=0.3)
    unpad_encoder(model)
    adapted = logits(model, model_type)
    assert (adapted - before).abs().max() > 1e-3
    merge_lora(model).save_pretrained(tmp_path / "merged")
    merged = type(stock).from_pretrained(tmp_path / "merged")
    torch.testing.assert_close(logits(merged, model_type), adapted, atol=1e-5, rtol=1e-4)
    model.save_pretrained(tmp_path / "adapter")
    beside = PeftModel.from_pretrained(copy.deepcopy(stock), tmp_path / "adapter")
    torch.testing.assert_close(logits(beside, model_type), adapted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("model_type", ["bert", "jina_embeddings_v3", "ultrabert"])
def test_a_checkpoint_of_the_trainer_has_the_names_in_memory(model_type, tmp_path):
    """The Trainer passes over others when it resumes; what is saved at the end may have those of other code."""
    if model_type not in transformers.CONFIG_MAPPING:
        pytest.skip(f"this version of transformers has no {model_type}")
    model = stock_model(model_type, "SequenceClassification")
    with names_in_memory(model):
        model.save_pretrained(tmp_path / "checkpoint")
    model.save_pretrained(tmp_path / "model")
    names = {folder: set(load_file(tmp_path / folder / "model.safetensors")) for folder in ("checkpoint", "model")}
    assert names["checkpoint"] == set(model.state_dict())
    assert (names["model"] == names["checkpoint"]) == (model_type == "bert")
    for folder in names:
        loaded = type(model).from_pretrained(tmp_path / folder).state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
