"""What an encoder of transformers is and can do, read off its config and classes."""

import copy
import inspect
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import transformers
from accelerate import init_empty_weights
from transformers import PretrainedConfig, PreTrainedModel

from ..errors import ModelError
from .layers import layer_count
from .packing import PACKING

Head = type[PreTrainedModel]

MODEL_INPUTS = ("input_ids", "inputs_embeds", "attention_mask", "token_type_ids", PACKING)
"""What a batch holds for the model itself, ids or embeddings; the rest of it is for losses and scores."""

_MAPPINGS = {
    "SequenceClassification": transformers.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    "QuestionAnswering": transformers.MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    "MaskedLM": transformers.MODEL_FOR_MASKED_LM_MAPPING,
    "PreTraining": transformers.MODEL_FOR_PRETRAINING_MAPPING,
}
_POSITIONS = ("position_embeddings", "embed_positions")  # names of tables of positions
_PAIR_LABELS = ("next_sentence_label", "sentence_order_label")


def head_class(config: PretrainedConfig, task: str) -> Head:
    """Return the stock class that puts the head of a task on an encoder.

    Args:
        config: of the encoder.
        task: as transformers names its automatic classes: SequenceClassification, QuestionAnswering, MaskedLM.

    Raises:
        ModelError: transformers has none for this architecture.
    """
    head = _head(config, task)
    if head is None:
        raise ModelError(
            f"transformers has no {task} head for {config.model_type}: choose an architecture that has one, such as "
            "bert, roberta or distilbert."
        )
    return head


def pair_faults(config: PretrainedConfig, objective: str) -> list[str]:
    """Return why a model cannot be trained to classify pairs of segments."""
    if not _has_pair_head(config):
        return [
            f"objective is {objective!r}, and {config.model_type} has no head for pairs of segments: choose "
            "objective='none' for masked words alone, or an architecture with such a head, such as bert or albert"
        ]
    if config.type_vocab_size < 2:
        return [f"objective {objective!r} needs two token types, and the model has one"]
    return []


def pair_head_class(config: PretrainedConfig) -> Head:
    """Return the stock class with a head for masked words and one for pairs of segments (NSP or sentence order)."""
    head = _head(config, "PreTraining")
    assert head is not None
    return head


def _has_pair_head(config: PretrainedConfig) -> bool:
    head = _head(config, "PreTraining")
    return head is not None and any(label in inspect.signature(head.forward).parameters for label in _PAIR_LABELS)


def check_encoder(config: PretrainedConfig, name: str) -> None:
    """Check that a model is an encoder that reads text in both directions.

    Args:
        config: of the model.
        name: of the model, for the message.

    Raises:
        ModelError: it is none, it cannot tell padding from text, or its config is incomplete or of an unknown class.
    """
    stock = _stock_config(config)
    if stock is not None and stock is not type(config):
        raise ModelError(
            f"{name} has a config of a class that transformers does not know ({type(config).__name__}): pass a "
            f"{stock.__name__} with the same settings."
        )
    fault = _encoder_fault(config)
    if fault:
        raise ModelError(
            f"{name} is a {config.model_type} model, {fault}: choose an encoder such as BERT, RoBERTa, DistilBERT, "
            "ELECTRA, ALBERT, DeBERTa or ModernBERT."
        )
    languages = tuple(getattr(config, "languages", None) or ())
    if languages and getattr(config, "default_language", "") is None:
        raise ModelError(
            f"{name} has adapters for {len(languages)} languages and no default one: set default_language in its "
            f"config, such as {languages[0]!r}; or load the model, call set_default_language({languages[0]!r}), and "
            "pass it as an object with its tokenizer."
        )


def _encoder_fault(config: PretrainedConfig) -> str:
    if config.is_encoder_decoder:
        return "which has an encoder and a decoder"
    if getattr(config, "is_decoder", False):
        return "set up as a decoder (is_decoder), which reads from left to right only"
    head = _head(config, "MaskedLM")
    if head is None:
        return (
            "which has no head for masked words in transformers, the sign of an encoder that reads in both directions"
        )
    if head.main_input_name != "input_ids":
        return f"which reads {head.main_input_name} instead of tokens"
    inputs = inspect.signature(head.forward).parameters
    if "pixel_values" in inputs:
        return "which reads images beside texts"
    if getattr(config, "type_vocab_sizes", None):
        return "which reads tables, whose tokens have several kinds of types"
    if "attention_mask" not in inputs:
        return "which has no attention mask, so that the padding of a batch would change its results"
    return ""


def _stock_config(config: PretrainedConfig) -> type[PretrainedConfig] | None:
    """Return the class of transformers that a config is of, or derived from."""
    if config.model_type not in transformers.CONFIG_MAPPING:
        return None
    known: type[PretrainedConfig] = transformers.CONFIG_MAPPING[config.model_type]
    return known if isinstance(config, known) else None


def _head(config: PretrainedConfig, task: str) -> Head | None:
    mapping: Any = _MAPPINGS[task]
    return mapping.get(type(config), None)


def takes_token_types(config: PretrainedConfig) -> bool:
    """Return whether an encoder tells the segments of a pair apart by token types."""
    parameters = inspect.signature(head_class(config, "MaskedLM").forward).parameters
    return "token_type_ids" in parameters and getattr(config, "type_vocab_size", 2) != 1


def max_positions(config: PretrainedConfig) -> int | None:
    """Return the largest number of tokens of a sequence; none where no table of positions limits it.

    Architectures like RoBERTa count positions from the id of padding + 1 on, and so take fewer tokens than their config
    says.

    >>> max_positions(transformers.BertConfig()), max_positions(transformers.RobertaConfig(max_position_embeddings=514))
    (512, 512)
    """
    kind: Any = type(config)
    return _max_positions(kind, config.to_json_string(use_diff=False))


@cache
def _max_positions(config_class: type[PretrainedConfig], settings: str) -> int | None:
    config = config_class.from_dict(json.loads(settings))
    for name, module in empty_encoder(config).named_modules():
        if name.endswith(_POSITIONS) and hasattr(module, "padding_idx"):  # an embedding, quantized or not
            first = 0 if module.padding_idx is None else module.padding_idx + 1
            return min(len(module.weight) - first, config.max_position_embeddings)
    return None


def empty_encoder(config: PretrainedConfig) -> PreTrainedModel:
    """Return the encoder of a config with its pooler, whose weights are on the device meta."""
    config = copy.deepcopy(config)
    if (getattr(config, "pad_token_id", None) or 0) >= config.vocab_size:  # of the stock vocabulary, not of this one
        config.pad_token_id = 0
    with init_empty_weights():
        return _encoder_class(config)(config)


def _encoder_class(config: PretrainedConfig) -> Head:
    classes: Any = transformers.MODEL_MAPPING[type(config)]
    return classes[0] if isinstance(classes, tuple) else classes


def layer_faults(config: PretrainedConfig) -> list[str]:
    """Return why the layers of an encoder cannot be frozen, or trained with learning rates of their own."""
    found = layer_count(name for name, _ in empty_encoder(config).named_parameters())
    if found == config.num_hidden_layers:
        return []
    return [
        f"freeze_layers or layer_decay is set, and the {config.num_hidden_layers} layers of {config.model_type} are "
        f"{'not to be told apart' if not found else 'not separate: they share their weights'}; leave both out"
    ]


def head_modules(model: PreTrainedModel) -> list[str]:
    """Return the names of the modules of a model that are not its encoder and have parameters.

    >>> head_modules(transformers.BertForQuestionAnswering(transformers.BertConfig(num_hidden_layers=0)))
    ['qa_outputs']
    """
    children = dict(model.named_children())
    children.pop(model.base_model_prefix, None)
    return [name for name, module in children.items() if any(True for _ in module.parameters())]


def new_head_modules(model: PreTrainedModel, new: Sequence[str]) -> list[str]:
    """Return the modules of a head that are among the modules whose weights are newly initialized."""
    first = {name.partition(".")[0] for name in new}
    return [name for name in head_modules(model) if name in first]


def architecture_name(config: PretrainedConfig) -> str:
    """Return how the name of an architecture is written, from that of its class.

    >>> architecture_name(transformers.BertConfig()), architecture_name(transformers.DistilBertConfig())
    ('BERT', 'DistilBERT')
    """
    name = _encoder_class(config).__name__.removesuffix("Model")
    return _NAMES.get(name) or name.replace("Bert", "BERT").replace("Roberta", "RoBERTa").replace("berta", "BERTa")


_NAMES = {
    "Albert": "ALBERT", "Camembert": "CamemBERT", "DebertaV2": "DeBERTa-v2", "Electra": "ELECTRA", "Ernie": "ERNIE",
    "Esm": "ESM", "MPNet": "MPNet", "XLMRoberta": "XLM-R", "XLMRobertaXL": "XLM-R XL",
}  # fmt: skip
