"""Encoders of every architecture whose padding can be skipped, of a few narrow layers with random weights."""

import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel

from bert_finetune_kit.modeling.encoders import ENCODERS

WINDOW = 4  # tokens on either side that the local layers attend to
_SETTINGS = {
    "vocab_size": 120, "max_position_embeddings": 128, "type_vocab_size": 2, "num_hidden_layers": 2, "pad_token_id": 1,
    "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3, "mask_token_id": 4,
    "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 40,
}  # fmt: skip
_SPECIAL = {
    "AlbertModel": {"embedding_size": 16},
    "DistilBertModel": {"hidden_dim": 40},
    "ElectraModel": {"embedding_size": 16},
    "EuroBertModel": {"num_key_value_heads": 1},
    # A global layer and a local one.
    "ModernBertModel": {"local_attention": 2 * WINDOW, "global_attn_every_n_layers": 2},
    "RoCBertModel": {
        "pronunciation_embed_dim": 8, "shape_embed_dim": 8, "pronunciation_vocab_size": 10, "shape_vocab_size": 10,
    },
    "UltrabertModel": {
        "sliding_window": WINDOW, "num_key_value_heads": 1, "layer_types": ["full_attention", "sliding_attention"],
    },
    "XmodModel": {"languages": ["en", "de"], "default_language": "en"},
}  # fmt: skip
_DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "mlp_dropout",
    "embedding_dropout",
)  # fmt: skip
NAMES = sorted(name for name in ENCODERS if hasattr(transformers, name))  # older releases do not have all
LOCAL = {"ModernBertModel", "UltrabertModel"}


def encoder_config(name: str, dropout: float = 0.0, **settings) -> PreTrainedConfig:
    """Return the config of a few narrow layers.

    Args:
        name: of the class of the encoder, one of `NAMES`.
        dropout: of every kind.
        settings: in place of those above.
    """
    config_class = getattr(transformers, name).config_class
    special, default = _SPECIAL.get(name, {}), config_class()
    settings = _SETTINGS | special | dict.fromkeys(_DROPOUTS, dropout) | settings
    return config_class(**{key: value for key, value in settings.items() if key in special or hasattr(default, key)})


def small_encoder(name: str, dropout: float = 0.0, **settings) -> PreTrainedModel:
    """Return a model in training mode; see `encoder_config`."""
    return randomize(getattr(transformers, name)(encoder_config(name, dropout, **settings)))


def randomize(model: PreTrainedModel) -> PreTrainedModel:
    """Make the weights large, so that every part of a model shows in its output; return it in training mode."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.train()
