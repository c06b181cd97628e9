"""Tiny random encoders of all architectures, with tokenizers of their own kinds trained on the bundled sample.

An architecture that needs nothing special has an empty entry in `ARCHITECTURES`: its sizes have names that most configs
share, and its tokenizer is what the kit trains for new weights.
"""

from functools import cache

import torch
import transformers
from transformers import CONFIG_MAPPING, PretrainedConfig

from bert_finetune_kit import train_wordpiece
from bert_finetune_kit.data.sample import sample_documents
from bert_finetune_kit.data.tokenizer_kinds import train_tokenizer
from bert_finetune_kit.data.vocabulary import load_tokenizer
from bert_finetune_kit.recipes.tokenizer import with_special_tokens

VOCABULARY = 600
SIZES = {
    "hidden_size": 32, "dim": 32, "d_model": 32, "emb_dim": 32, "num_hidden_layers": 2, "n_layers": 2,
    "num_attention_heads": 2, "n_heads": 2, "n_head": 2, "intermediate_size": 64, "hidden_dim": 64, "d_inner": 64,
    "embedding_size": 16, "max_position_embeddings": 130,
}  # fmt: skip
ARCHITECTURES = {
    "bert": {},
    "distilbert": {},
    "roberta": {},
    "xlm-roberta": {},
    "camembert": {},
    "electra": {},
    "albert": {},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False},
    "mpnet": {},
    "modernbert": {"num_hidden_layers": 3, "local_attention": 8},
    "ernie": {},
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 24},
    "longformer": {"attention_window": 8},
    "convbert": {},
    "big_bird": {},
    "data2vec-text": {},
    "deberta": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "flaubert": {},
    "funnel": {"block_sizes": [1, 1], "d_head": 16},
    "ibert": {},
    "jina_embeddings_v3": {},
    "luke": {"entity_vocab_size": 10, "entity_emb_size": 16},
    "megatron-bert": {},
    "mobilebert": {"embedding_size": 32, "intra_bottleneck_size": 16, "num_feedforward_networks": 2},
    "roberta-prelayernorm": {},
    "roc_bert": {
        "pronunciation_embed_dim": 8, "shape_embed_dim": 8, "pronunciation_vocab_size": 10, "shape_vocab_size": 10
    },
    "roformer": {},
    "squeezebert": {"embedding_size": 32},
    "ultrabert": {},
    "xlm": {},
    "xlm-roberta-xl": {},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "yoso": {},
}  # fmt: skip
TOKENIZERS = {
    "WordPiece": "bert", "WordPiece, cased": None, "WordPiece, <s>": "mpnet", "byte-level BPE": "modernbert",
    "byte-level BPE, </s></s>": "roberta", "byte-level BPE, one type": "deberta", "Unigram": "deberta-v2",
    "Unigram, lower case": "albert", "Unigram, <s>": "xlm-roberta", "Unigram, </s></s>": "camembert",
}  # fmt: skip


@cache
def sample_sentences():
    return [sentence for document in sample_documents("train") for sentence in document][:1500]


def tiny_config(model_type, dropout=0.0) -> PretrainedConfig:
    """Return the config of a small encoder that has the vocabulary of `tiny_tokenizer`."""
    stock, tokenizer = CONFIG_MAPPING[model_type](), tiny_tokenizer(model_type)
    given = ARCHITECTURES[model_type]
    skipped = {"num_hidden_layers", "hidden_size"} if "block_sizes" in given else set()
    sizes = {name: size for name, size in SIZES.items() if hasattr(stock, name) and name not in skipped}
    config = CONFIG_MAPPING[model_type](**sizes | given, vocab_size=len(tokenizer))
    config.pad_token_id = tokenizer.pad_token_id
    for name, value in vars(config).items():
        if "drop" in name and isinstance(value, float):
            setattr(config, name, dropout)
    return with_special_tokens(config, tokenizer)


@cache
def tiny_tokenizer(model_type):
    """Return the tokenizer that the kit trains for an architecture."""
    stock = CONFIG_MAPPING[model_type](vocab_size=VOCABULARY)
    return train_tokenizer(sample_sentences(), stock)


@cache
def tokenizer_of_kind(kind):
    """Return one of `TOKENIZERS`, as the recipes load it."""
    if kind == "WordPiece, cased":
        return load_tokenizer(train_wordpiece(sample_sentences(), VOCABULARY, lowercase=False))
    return load_tokenizer(tiny_tokenizer(TOKENIZERS[kind]))


def save(model_type, folder, dropout=0.0):
    """Write the config of a tiny encoder and its tokenizer into a folder, from which recipes make new weights."""
    tiny_config(model_type, dropout).save_pretrained(folder)
    tiny_tokenizer(model_type).save_pretrained(folder)
    return folder


def stock_model(model_type, task, seed=0):
    """Return a stock model with a head, in evaluation mode, whose weights are large enough to tell positions apart."""
    torch.manual_seed(seed)
    head = getattr(transformers, f"AutoModelFor{task}")
    model = head.from_config(tiny_config(model_type)).eval()
    for parameter in model.parameters():
        if parameter.ndim > 1 and parameter.is_floating_point():
            torch.nn.init.normal_(parameter, std=0.2)
    return model
