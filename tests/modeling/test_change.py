"""What changed between two models, against counts by hand and steps whose length is known."""

import copy
import math

import pytest
import torch
import transformers
from torch import nn
from transformers import BertConfig, BertModel

from bert_finetune_kit import ConfigError, compare_parameters
from bert_finetune_kit.modeling.change import compare_weights
from bert_finetune_kit.modeling.loading import sized_config
from bert_finetune_kit.modeling.lora import add_lora, merge_lora
from bert_finetune_kit.modeling.parameters import parameter_report
from bert_finetune_kit.modeling.weights import weights_of

PEFT = pytest.importorskip("peft")


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return transformers.BertForSequenceClassification(config)


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
    ("head", "total", "came", "went"),
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
def test_heads_on_bert_base_by_hand(head, total, came, went):
    change = compare_parameters(BertConfig(), on_meta(head))
    assert counts(change, "before") == BASE
    assert counts(change, "after") == {name: count for name, count in BASE.items() if name not in went} | came
    assert (change.before, change.after) == (109_482_240, total)
    assert counts(change, "added") == came
    assert counts(change, "removed") == {name: BASE[name] for name in went}
    assert [module.layer for module in change.modules if module.layer is not None] == list(range(12))
    assert all(module.moved is None for module in change.modules)


def test_from_the_input_to_the_output():
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
    moved = {module.name: module.moved for module in compare_parameters(before, model).modules}
    modules = {
        "encoder.layer.1": before.bert.encoder.layer[1],
        "pooler": before.bert.pooler,
        "embeddings.word_embeddings": before.bert.embeddings.word_embeddings,
        "classifier": before.classifier,
    }
    for name, module in modules.items():
        gradients = dict(model.named_parameters())
        prefix = next(path for path, one in before.named_modules() if one is module)
        length = math.hypot(*(gradients[f"{prefix}.{one}"].grad.norm().item() for one, _ in module.named_parameters()))
        norm = math.hypot(*(parameter.norm().item() for parameter in module.parameters()))
        assert moved[name] == pytest.approx(rate * length / norm, rel=1e-5), name


def test_frozen_means_exactly_0(model):
    before = copy.deepcopy(model)
    model.bert.encoder.layer[0].requires_grad_(False)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    torch.optim.AdamW(model.parameters(), lr=1e-3).step()
    change = compare_parameters(before, model)
    first, second = (module for module in change.modules if module.layer is not None)
    assert (first.moved, first.trainable) == (0.0, False)
    assert second.moved > 0
    assert second.trainable
    assert "Frozen, and exactly as before: layer 0." in change.explain()
    assert "Layer 1 moved by" in change.explain()
    assert str(change).count("frozen") == 1


def test_what_is_frozen_and_changes_all_the_same_is_said(model):
    before = copy.deepcopy(model)
    model.bert.pooler.requires_grad_(False)
    with torch.no_grad():
        model.bert.pooler.dense.weight.mul_(2)
    assert "Frozen, and yet not as before: the pooler." in compare_parameters(before, model).explain()


def test_which_layers_moved_most():
    torch.manual_seed(0)
    model = transformers.BertModel(sized_config("mini", 500))
    before = copy.deepcopy(model)
    with torch.no_grad():
        for number, share in enumerate((0.02, 0.3, 0.001, 0.04)):
            for parameter in model.encoder.layer[number].parameters():
                parameter.mul_(1 + share)
    change = compare_parameters(before, model)
    moved = [module.moved for module in change.modules if module.layer is not None]
    assert moved == pytest.approx([0.02, 0.3, 0.001, 0.04], rel=1e-4)
    assert "Of 4 layers that learnt, layer 1 moved most, by 30.00% of the norm" in change.explain()
    assert "and layer 2 least, by 0.10%" in change.explain()
    assert "Trainable, and yet exactly as before: the embeddings and the pooler." in change.explain()


def test_tied_weights_move_and_count_once(config):
    model = transformers.BertForPreTraining(config)
    before = copy.deepcopy(model)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.mul_(1.5)
    change = compare_parameters(before, model)
    assert change.after == parameter_report(model).total
    moved = {module.name: module.moved for module in change.modules if module.moved}
    assert moved == {"embeddings.word_embeddings": pytest.approx(0.5)}


def test_the_head_of_pretraining_gone(config):
    with torch.device("meta"):
        before, after = transformers.BertForPreTraining(config), transformers.BertForQuestionAnswering(config)
    change = compare_parameters(before, after)
    gone = {module.name for module in change.modules if not module.after}
    assert gone == {"pooler", "cls.predictions", "cls.seq_relationship"}
    assert "decoder of the masked-language-model head is the matrix of the word embeddings" in change.explain()
    config.tie_word_embeddings = False
    change = compare_parameters(on_meta(transformers.BertForPreTraining, config), after)
    assert "decoder" not in change.explain()


def test_embeddings_resized(model, config):
    before = copy.deepcopy(model)
    model.resize_token_embeddings(config.vocab_size + 7, mean_resizing=False)
    change = compare_parameters(before, model)
    words = change.modules[0]
    assert (words.name, words.added, words.removed) == ("embeddings.word_embeddings", 7 * config.hidden_size, 0)
    assert words.moved == 0
    assert change.after - change.before == 7 * config.hidden_size
    assert "The word embeddings went from" in change.explain()
    back = compare_parameters(model, before).modules[0]
    assert (back.added, back.removed, back.moved) == (0, 7 * config.hidden_size, 0)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_lora_counts_and_moves_by_its_product(model, config):
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
    inside = wrapped.base_model.model.bert.encoder.layer[1].attention.self
    way = math.hypot(
        *((one.lora_B["default"].weight @ one.lora_A["default"].weight).norm().item() * 6 / 3
          for one in (inside.query, inside.value))
    )  # fmt: skip
    norm = math.hypot(*(parameter.norm().item() for parameter in before.bert.encoder.layer[1].parameters()))
    assert layers[1].moved == pytest.approx(way / norm, rel=1e-5)
    assert layers[1].trainable
    merged = compare_parameters(before, merge_lora(wrapped))
    for one, other in zip(change.modules, merged.modules, strict=True):
        assert one.moved == pytest.approx(other.moved, abs=1e-7)
    assert merged.after == before.num_parameters()
    assert f"{2 * matrices:,} in matrices beside weights that stay frozen" in change.explain()
    assert "the embeddings and the pooler" in change.explain()


def test_what_cannot_be_told_is_none():
    one, other = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    nn.init.zeros_(one.weight)
    assert compare_parameters(one, one).modules[0].moved == 0
    assert compare_parameters(one, other).modules[0].moved is None  # endlessly many times 0
    nn.init.constant_(one.weight, math.nan)
    assert compare_parameters(other, one).modules[0].moved is None
    assert compare_parameters(other, nn.Linear(3, 2, bias=False)).modules[0].moved is None


def test_as_data_and_as_table(model):
    before = copy.deepcopy(model)
    with torch.no_grad():
        model.classifier.weight.add_(0.1)
    change = compare_parameters(before, model)
    data = change.to_dict()
    assert " ".join(data["explanation"]) == change.explain()
    assert set(data["modules"][0]) == {
        "name", "layer", "before", "after", "added", "removed", "moved", "trainable",
    }  # fmt: skip
    lines = str(change).splitlines()
    assert lines[0].endswith("(+0)")
    assert lines[-1].split()[0] == "classifier"
    assert lines[-1].split()[-1] == f"{change.modules[-1].moved:.3%}"
    assert "encoder.layer.0-1 (2 ×)" in lines[5]


def test_models_in_folders_and_what_is_no_model(tmp_path, config):
    model = BertModel(config)
    model.save_pretrained(tmp_path)
    change = compare_parameters(tmp_path, model)
    assert change.before == change.after == sum(parameter.numel() for parameter in model.parameters())
    assert {one.moved for one in change.modules} == {0.0}
    for other in ("nowhere", None, 3):
        with pytest.raises(ConfigError, match="has no parameters to compare"):
            compare_parameters(other, model)
