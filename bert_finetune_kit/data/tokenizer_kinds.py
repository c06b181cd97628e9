"""Tokenizers for new weights, of the kind that an architecture has: word pieces, byte-level BPE, or a unigram model."""

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    TOKENIZER_MAPPING,
    BertTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
)

from .vocabulary import train_wordpiece

# Architectures whose tokenizers are those of another one.
_OF_ANOTHER: dict[str, type[PretrainedConfig]] = {"xlm-roberta-xl": XLMRobertaConfig}
_ROLES = {
    "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"
}  # fmt: skip


def train_tokenizer(texts: Iterable[str], config: PretrainedConfig) -> PreTrainedTokenizerBase:
    """Train a tokenizer of the kind that an architecture has.

    Args:
        texts: strings, iterated over once or twice.
        config: of the architecture; its `vocab_size` is the largest size of the vocabulary.

    Raises:
        ModelError: there is no text.
    """
    kinds = _tokenizer_classes(config)
    if not kinds:
        return train_byte_level(texts, config.vocab_size)
    empty = _empty_tokenizer(kinds)
    if empty is None or isinstance(empty, BertTokenizer):
        return train_wordpiece(texts, config.vocab_size)
    trained: PreTrainedTokenizerBase = empty.train_new_from_iterator(texts, config.vocab_size, show_progress=False)
    return trained


def _tokenizer_classes(config: PretrainedConfig) -> list[Any]:
    """Return the tokenizer classes of an architecture; none for those whose tokenizers are a tokenizer.json alone."""
    classes: Any = TOKENIZER_MAPPING.get(_OF_ANOTHER.get(config.model_type, type(config)), None)
    kinds = classes if isinstance(classes, tuple) else (classes,)
    return [kind for kind in kinds if kind not in (None, PreTrainedTokenizerFast)]


def _empty_tokenizer(kinds: Iterable[Any]) -> Any:
    """Return a tokenizer of one of some classes without a vocabulary; none where none can be made empty."""
    for kind in kinds:
        try:
            empty = kind()
        except (ImportError, TypeError, ValueError, OSError):  # needs another package, or files
            continue
        if getattr(empty, "backend_tokenizer", None) is not None:
            return empty
    return None


def train_byte_level(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a cased byte-level BPE that frames texts as `[CLS] … [SEP]`, without token types (Warner et al. 2024).

    Args:
        texts: strings.
        vocab_size: largest size of the vocabulary; the bytes and the special tokens are in any.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(_ROLES.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **_ROLES
    )
