"""What differs between two models, against counts by hand and steps of known length."""

import copy
import math

import pytest
import torch
import transformers
from torch import nn
from transformers import BertConfig, BertModel

from bert_finetune_kit import ConfigError, compare_parameters
from bert_finetune_kit.modeling.change import compare_weights
from bert_finetune_kit.modeling.explanation import describe_change, explain_change
from bert_finetune_kit.modeling.loading import sized_config
from bert_finetune_kit.modeling.lora import add_lora, merge_lora
from bert_finetune_kit.modeling.parameters import parameter_report
from bert_finetune_kit.modeling.weights import weights_of

PEFT = pytest.importorskip("peft")


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return transformers.BertForSequenceClassification(config)


def sentences_of(change):
    return " ".join(explain_change(change))


def on_meta(head, config=None):
    with torch.device("meta"):
        return head(config or BertConfig())


def by_hand(vocab, positions, types, hidden, layers, inner):
    """Parameters of an encoder with pooler by module, from the shapes of the paper."""
    norm, attention = 2 * hidden, 4 * (hidden * hidden + hidden)
    layer = attention + norm + hidden * inner + inner + inner * hidden + hidden + norm
    return {
        "embeddings.word_embeddings": vocab * hidden,
        "embeddings.position_embeddings": positions * hidden,
        "embeddings.token_type_embeddings": types * hidden,
        "embeddings.LayerNorm": norm,
        **{f"encoder.layer.{number}": layer for number in range(layers)},
        "pooler": hidden * hidden + hidden,
    }


BASE = by_hand(30_522, 512, 2, 768, 12, 3072)


def counts(change, side):
    return {module.name: getattr(module, side) for module in change.modules if getattr(module, side)}


@pytest.mark.parametrize(
    ("head", "total", "added", "removed"),
    [
        (transformers.BertForSequenceClassification, 109_483_778, {"classifier": 2 * 768 + 2}, []),
        (transformers.BertForQuestionAnswering, 108_893_186, {"qa_outputs": 2 * 768 + 2}, ["pooler"]),
        (
            transformers.BertForPreTraining,
            110_106_428,  # the decoder is the matrix of the word embeddings, and counts there alone
            {"cls.predictions": 768 * 768 + 768 + 2 * 768 + 30_522, "cls.seq_relationship": 2 * 768 + 2},
            [],
        ),
    ],
)
def test_heads_on_bert_base_by_hand(head, total, added, removed):
    change = compare_parameters(BertConfig(), on_meta(head))
    assert counts(change, "before") == BASE
    assert counts(change, "after") == {name: count for name, count in BASE.items() if name not in removed} | added
    assert (change.before, change.after) == (109_482_240, total)
    assert counts(change, "added") == added
    assert counts(change, "removed") == {name: BASE[name] for name in removed}
    assert [module.layer for module in change.modules if module.layer is not None] == list(range(12))
    assert all(module.relative_change is None for module in change.modules)


def test_modules_from_the_input_to_the_output():
    names = list(counts(compare_parameters(on_meta(transformers.BertForQuestionAnswering), BertConfig()), "after"))
    assert names == list(BASE)
    by_alphabet = dict(sorted(weights_of(BertConfig()).items()))  # as files have them, layer 10 before layer 2
    assert [module.name for module in compare_weights(by_alphabet, by_alphabet).modules] == list(BASE)


def test_a_step_of_known_length(model):
    """SGD: after - before = -rate · gradient."""
    before, rate = copy.deepcopy(model), 0.03
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    torch.optim.SGD(model.parameters(), lr=rate).step()
    changes = {module.name: module.relative_change for module in compare_parameters(before, model).modules}
    modules = {
        "encoder.layer.1": before.bert.encoder.layer[1],
        "pooler": before.bert.pooler,
        "embeddings.word_embeddings": before.bert.embeddings.word_embeddings,
        "classifier": before.classifier,
    }
    for name, module in modules.items():
        gradients = dict(model.named_parameters())
        prefix = next(path for path, candidate in before.named_modules() if candidate is module)
        length = math.hypot(
            *(gradients[f"{prefix}.{parameter}"].grad.norm().item() for parameter, _ in module.named_parameters())
        )
        norm = math.hypot(*(parameter.norm().item() for parameter in module.parameters()))
        assert changes[name] == pytest.approx(rate * length / norm, rel=1e-5), name


def test_frozen_layers_change_by_exactly_0(model):
    before = copy.deepcopy(model)
    model.bert.encoder.layer[0].requires_grad_(False)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    torch.optim.AdamW(model.parameters(), lr=1e-3).step()
    change = compare_parameters(before, model)
    first, second = (module for module in change.modules if module.layer is not None)
    assert (first.relative_change, first.trainable) == (0.0, False)
    assert second.relative_change > 0
    assert second.trainable
    assert "Frozen and unchanged: layer 0." in sentences_of(change)
    assert "Weight change of layer 1: " in sentences_of(change)
    assert str(change).count("frozen") == 1


def test_frozen_but_changed_is_reported(model):
    before = copy.deepcopy(model)
    model.bert.pooler.requires_grad_(False)
    with torch.no_grad():
        model.bert.pooler.dense.weight.mul_(2)
    assert "Frozen, but changed: the pooler." in sentences_of(compare_parameters(before, model))


def test_largest_and_smallest_weight_change():
    torch.manual_seed(0)
    model = transformers.BertModel(sized_config("mini", 500))
    before = copy.deepcopy(model)
    with torch.no_grad():
        for number, share in enumerate((0.02, 0.3, 0.001, 0.04)):
            for parameter in model.encoder.layer[number].parameters():
                parameter.mul_(1 + share)
    change = compare_parameters(before, model)
    changes = [module.relative_change for module in change.modules if module.layer is not None]
    assert changes == pytest.approx([0.02, 0.3, 0.001, 0.04], rel=1e-4)
    assert (
        "Largest weight change of 4 trained layers: layer 1, 30.00% of its norm; smallest: layer 2, 0.10%."
        in sentences_of(change)
    )
    assert "Trainable, but unchanged: the embeddings and the pooler." in sentences_of(change)


def test_tied_weights_change_and_count_once(config):
    model = transformers.BertForPreTraining(config)
    before = copy.deepcopy(model)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.mul_(1.5)
    change = compare_parameters(before, model)
    assert change.after == parameter_report(model).total
    changes = {module.name: module.relative_change for module in change.modules if module.relative_change}
    assert changes == {"embeddings.word_embeddings": pytest.approx(0.5)}


def test_the_head_of_pretraining_gone(config):
    with torch.device("meta"):
        before, after = transformers.BertForPreTraining(config), transformers.BertForQuestionAnswering(config)
    change = compare_parameters(before, after)
    removed = {module.name for module in change.modules if not module.after}
    assert removed == {"pooler", "cls.predictions", "cls.seq_relationship"}
    assert "decoder of the masked-language-model head is tied to the word embeddings" in sentences_of(change)
    config.tie_word_embeddings = False
    change = compare_parameters(on_meta(transformers.BertForPreTraining, config), after)
    assert "decoder" not in sentences_of(change)


def test_embeddings_resized(model, config):
    before = copy.deepcopy(model)
    model.resize_token_embeddings(config.vocab_size + 7, mean_resizing=False)
    change = compare_parameters(before, model)
    words = change.modules[0]
    assert (words.name, words.added, words.removed) == ("embeddings.word_embeddings", 7 * config.hidden_size, 0)
    assert words.relative_change == 0
    assert change.after - change.before == 7 * config.hidden_size
    assert "Resized: the word embeddings, from" in sentences_of(change)
    back = compare_parameters(model, before).modules[0]
    assert (back.added, back.removed, back.relative_change) == (0, 7 * config.hidden_size, 0)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_lora_counts_and_changes_weights_by_its_product(model, config):
    before = copy.deepcopy(model)
    wrapped = add_lora(model, PEFT.LoraConfig(r=3, lora_alpha=6), ["classifier"])
    torch.manual_seed(2)
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
    change = compare_parameters(before, wrapped)
    layers = [module for module in change.modules if module.layer is not None]
    matrices = 2 * 2 * 3 * config.hidden_size  # of query and value, two each
    assert [layer.added for layer in layers] == [matrices] * 2
    assert change.adapters == change.after - change.before == 2 * matrices
    assert change.trained == change.adapters + 2 * config.hidden_size + 2
    attention = wrapped.base_model.model.bert.encoder.layer[1].attention.self
    length = math.hypot(
        *((layer.lora_B["default"].weight @ layer.lora_A["default"].weight).norm().item() * 6 / 3
          for layer in (attention.query, attention.value))
    )  # fmt: skip
    norm = math.hypot(*(parameter.norm().item() for parameter in before.bert.encoder.layer[1].parameters()))
    assert layers[1].relative_change == pytest.approx(length / norm, rel=1e-5)
    assert layers[1].trainable
    merged = compare_parameters(before, merge_lora(wrapped))
    for module, merged_module in zip(change.modules, merged.modules, strict=True):
        assert module.relative_change == pytest.approx(merged_module.relative_change, abs=1e-7)
    assert merged.after == before.num_parameters()
    assert f"{2 * matrices:,} in adapters of frozen weights, " in sentences_of(change)
    assert "the embeddings and the pooler" in sentences_of(change)


def test_a_change_that_cannot_be_measured_is_none():
    zeros, random = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    nn.init.zeros_(zeros.weight)
    assert compare_parameters(zeros, zeros).modules[0].relative_change == 0
    assert compare_parameters(zeros, random).modules[0].relative_change is None  # division by a norm of 0
    nn.init.constant_(zeros.weight, math.nan)
    assert compare_parameters(random, zeros).modules[0].relative_change is None
    assert compare_parameters(random, nn.Linear(3, 2, bias=False)).modules[0].relative_change is None


def test_as_data_and_as_table(model):
    before = copy.deepcopy(model)
    with torch.no_grad():
        model.classifier.weight.add_(0.1)
    change = compare_parameters(before, model)
    data = describe_change(change)
    assert data["explanation"] == explain_change(change)
    assert set(data["modules"][0]) == {
        "name", "layer", "before", "after", "added", "removed", "relative_change", "trainable",
    }  # fmt: skip
    lines = str(change).splitlines()
    assert lines[0].endswith("(+0)")
    assert lines[-1].split()[0] == "classifier"
    assert lines[-1].split()[-1] == f"{change.modules[-1].relative_change:.3%}"
    assert "encoder.layer.0-1 (2 ×)" in lines[5]


def test_models_in_folders_and_what_is_no_model(tmp_path, config):
    model = BertModel(config)
    model.save_pretrained(tmp_path)
    change = compare_parameters(tmp_path, model)
    assert change.before == change.after == sum(parameter.numel() for parameter in model.parameters())
    assert {module.relative_change for module in change.modules} == {0.0}
    for no_model in ("nowhere", None, 3):
        with pytest.raises(ConfigError, match="has no parameters to compare"):
            compare_parameters(no_model, model)


@pytest.mark.parametrize(
    ("name", "head", "parts"),
    [
        ("DistilBert", 32 * 32 + 3 * 32 + 60, ": vocab_transform, vocab_layer_norm and vocab_projector"),
        ("Electra", 32 * 16 + 3 * 16 + 60, ": generator_predictions and generator_lm_head"),
        ("ModernBert", 60, ""),
        ("XLM", 60, ""),
        ("Bert", 32 * 32 + 3 * 32 + 60, ""),
    ],
)
def test_parts_are_named_by_what_they_are_for(name, head, parts):
    stock = getattr(transformers, f"{name}Config")
    sizes = {
        "hidden_size": 32, "dim": 32, "emb_dim": 32, "num_hidden_layers": 2, "n_layers": 2, "n_heads": 2,
        "num_attention_heads": 2, "intermediate_size": 8, "hidden_dim": 8, "embedding_size": 16, "pad_token_id": 0,
    }  # fmt: skip
    config = stock(**{key: size for key, size in sizes.items() if hasattr(stock(), key)}, vocab_size=60)
    classifier = transformers.AutoModelForSequenceClassification.from_config(config)
    sentences = sentences_of(compare_parameters(transformers.AutoModelForMaskedLM.from_config(config), classifier))
    purpose = "the masked-language-model head, which predicts masked tokens"
    assert f"Removed: {purpose} ({head:,}{parts})." in sentences
    assert "The decoder of the masked-language-model head is tied to the word embeddings" in sentences
    assert "Largest weight change of 2 trained layers" in sentences
    assert "the word embeddings " in sentences
    assert not any(name in sentences for name in ("pre_classifier (", "embeddings_project", "layer_norm_emb"))
    config.tie_word_embeddings = False
    untied = transformers.AutoModelForMaskedLM.from_config(config)
    assert "is tied to" not in sentences_of(compare_parameters(untied, classifier))
