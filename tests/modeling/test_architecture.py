"""What is read off the config and classes of an encoder."""

import pytest
import torch
import transformers
from transformers import CONFIG_MAPPING, AutoModelForSequenceClassification

from bert_finetune_kit import parameter_report
from bert_finetune_kit.modeling.architecture import (
    architecture_name,
    head_modules,
    layer_faults,
    max_positions,
    pair_faults,
    takes_token_types,
)
from bert_finetune_kit.modeling.layers import encoder_layers
from bert_finetune_kit.modeling.lora import attention_projections
from bert_finetune_kit.modeling.parameters import model_phrase
from bert_finetune_kit.modeling.trainable import freeze

SMALL = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}


def small(kind, **settings):
    names = CONFIG_MAPPING[kind].attribute_map
    config = {names.get(name, name): value for name, value in (SMALL | settings).items()}
    return CONFIG_MAPPING[kind](**config)


@pytest.mark.parametrize(
    ("kind", "name", "positions", "types", "projections"),
    [
        ("bert", "BERT", 512, True, ["query", "value"]),
        ("distilbert", "DistilBERT", 512, False, ["q_lin", "v_lin"]),
        ("roberta", "RoBERTa", 510, False, ["query", "value"]),
        ("deberta-v2", "DeBERTa-v2", 512, False, ["query_proj", "value_proj"]),
        ("mpnet", "MPNet", 510, False, ["q", "v"]),
        ("modernbert", "ModernBERT", None, False, ["Wqkv"]),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # DeBERTa of older transformers
def test_what_an_architecture_is(kind, name, positions, types, projections):
    types_of_bert = {"type_vocab_size": 1} if kind == "roberta" else {}
    config = small(kind, pad_token_id=1 if kind in ("roberta", "mpnet") else 0, **types_of_bert)
    assert architecture_name(config) == name
    assert max_positions(config) == positions
    assert takes_token_types(config) == types or kind == "deberta-v2"  # has them, of which it uses none
    model = AutoModelForSequenceClassification.from_config(config)
    assert attention_projections(model) == projections
    assert len(encoder_layers(model)) == 2
    freeze(model, layers=1)
    trained = {name for name, value in model.base_model.named_parameters() if value.requires_grad}
    assert not any("embeddings" in name for name in trained)
    assert {layer for layer in (0, 1) if any(f".{layer}." in f".{name}" for name in trained)} == {1}
    assert all(value.requires_grad for part in head_modules(model) for value in getattr(model, part).parameters())


def test_positions_are_those_that_the_model_takes():
    config = small("roberta", max_position_embeddings=20, pad_token_id=1)
    model = transformers.RobertaModel(config)
    longest = max_positions(config)
    model(torch.full((1, longest), 5))
    with pytest.raises((IndexError, RuntimeError)):
        model(torch.full((1, longest + 1), 5))


def test_padding_of_the_stock_vocabulary_does_not_matter_where_another_one_is_used():
    """New weights get the padding of their tokenizer, which is not known yet when lengths are checked."""
    config = transformers.ModernBertConfig(vocab_size=400)
    assert config.pad_token_id > 400
    assert max_positions(config) is None
    assert layer_faults(config) == []


def test_layers_that_share_their_weights_are_not_frozen_alone():
    config = small("albert", num_hidden_layers=3, embedding_size=8)
    assert "the 3 layers of albert are not separate" in layer_faults(config)[0]
    assert layer_faults(small("bert")) == []
    model = transformers.AlbertModel(config)
    assert parameter_report(model).total == sum(value.numel() for value in model.parameters())


def test_which_architectures_have_a_head_for_pairs():
    assert pair_faults(small("albert", embedding_size=8), "sop") == []
    assert pair_faults(small("megatron-bert"), "nsp") == []
    for kind in ("roberta", "electra", "distilbert"):
        assert f"{kind} has no head for pairs" in pair_faults(small(kind), "nsp")[0]
    assert "needs two token types" in pair_faults(small("bert", type_vocab_size=1), "nsp")[0]


@pytest.mark.parametrize(("kind", "start"), [("bert", "a BERT of "), ("electra", "an ELECTRA of "), (None, "a model ")])
def test_a_model_in_words(kind, start):
    model = torch.nn.Linear(1, 1) if kind is None else transformers.AutoModel.from_config(small(kind))
    assert model_phrase(model).startswith(start)
