"""BERT tokenizers: loading, checking and training them."""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import TOKENIZER_MAPPING, AutoTokenizer, BertTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from ..compat.hub import hub_failure
from ..errors import ModelError, raise_faults

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NEEDED = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")


def train_wordpiece(
    texts: Iterable[str], vocab_size: int = 30_522, *, lowercase: bool = True, min_frequency: int = 2
) -> BertTokenizer:
    """Train a BERT tokenizer on `texts` (Schuster and Nakajima 2012; as in the BERT paper, section 3).

    Args:
        texts: strings, iterated over twice; an iterator is read into memory.
        vocab_size: largest size of the vocabulary; a short text results in a smaller one.
        lowercase: lower the case and strip accents, as bert-base-uncased does.
        min_frequency: fewest occurrences of a pair to be merged.

    Raises:
        ConfigError: `vocab_size` is too small for the special tokens and an alphabet.
        ModelError: there is no text.
    """
    faults = []
    if vocab_size < 100:
        faults.append(f"vocab_size is {vocab_size}: at least 100 are needed for the alphabet and the special tokens")
    if min_frequency < 1:
        faults.append(f"min_frequency is {min_frequency}: it must be at least 1")
    if isinstance(texts, str):
        faults.append("texts is a single string, whose letters would become the texts: give a list of texts")
    raise_faults(faults, "train_wordpiece")
    if isinstance(texts, Iterator):
        texts = list(texts)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    alphabet = _alphabet(texts, tokenizer, limit=vocab_size // 4)
    if not alphabet:
        raise ModelError("train_wordpiece got no text: give at least one text that is not empty.")
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        # The trainer numbers letters in the order of a hash map, which differs between processes, and breaks ties
        # between pairs by number. Passed as special tokens, which they are not afterwards, letters have fixed numbers.
        special_tokens=[*SPECIAL_TOKENS, *alphabet],
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return BertTokenizer(vocab=tokenizer.get_vocab(), do_lower_case=lowercase)


def train_tokenizer(texts: Iterable[str], config: PretrainedConfig) -> PreTrainedTokenizerBase:
    """Train a tokenizer of the kind that an architecture has: word pieces, byte-level BPE, or a unigram model.

    Args:
        texts: strings, iterated over once or twice.
        config: of the architecture; its `vocab_size` is the largest size of the vocabulary.

    Raises:
        ModelError: there is no text.
    """
    empty = _empty_tokenizer(config)
    if empty is None or isinstance(empty, BertTokenizer):
        return train_wordpiece(texts, config.vocab_size)
    trained: PreTrainedTokenizerBase = empty.train_new_from_iterator(texts, config.vocab_size, show_progress=False)
    return trained


def _empty_tokenizer(config: PretrainedConfig) -> Any:
    """Return a tokenizer of an architecture without a vocabulary; none where its class cannot be made empty."""
    classes = TOKENIZER_MAPPING.get(type(config), None)
    for kind in classes if isinstance(classes, tuple) else (classes,):
        try:
            empty = kind()
        except (ImportError, TypeError, ValueError, OSError):  # needs another package, or files
            continue
        if getattr(empty, "backend_tokenizer", None) is not None:
            return empty
    return None


def _alphabet(texts: Iterable[str], tokenizer: Tokenizer, limit: int) -> list[str]:
    """Return the most frequent letters of `texts` as pieces, `a` and, where it can continue a word, `##a`."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    letters: Counter[str] = Counter()
    for letter, count in counts.items():
        for normal in tokenizer.normalizer.normalize_str(letter):
            if not normal.isspace():
                letters[normal] += count
    kept = sorted(sorted(letters), key=lambda letter: -letters[letter])[:limit]
    inner = [letter for letter in kept if len(tokenizer.pre_tokenizer.pre_tokenize_str(f"a{letter}a")) == 1]
    return sorted(kept) + [f"##{letter}" for letter in sorted(inner)]


def load_tokenizer(given: str | Path | PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Return a tokenizer from a Hub id, a folder, a `vocab.txt`, or a tokenizer object (of which a copy is made).

    Truncation and padding set in a `tokenizer.json` are disabled: examples and collators do both.

    Raises:
        ModelError: it cannot be loaded, has no fast backend, or lacks one of BERT's special tokens.
    """
    tokenizer = copy.deepcopy(given) if isinstance(given, PreTrainedTokenizerBase) else _load(given)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(
            f"The tokenizer of {given} has no fast backend (tokenizers library), which is needed: choose another one."
        )
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True  # "[SEP]" in a text is plain text
    missing = [name for name in _NEEDED if getattr(tokenizer, name, None) is None]
    if missing:
        raise ModelError(
            f"The tokenizer of {given} has no {', '.join(missing)}: choose one with all special tokens of BERT."
        )
    return tokenizer


def _load(given: str | Path) -> PreTrainedTokenizerBase:
    path = Path(given).expanduser()
    if path.suffix == ".txt":
        if not path.is_file():
            raise ModelError(
                f"The vocabulary {given} does not exist (searched in {Path.cwd()}). Check the spelling of the path."
            )
        return BertTokenizer(vocab=str(path))
    try:
        return AutoTokenizer.from_pretrained(str(path) if path.exists() else str(given))
    except Exception as error:
        failure = hub_failure(error)
        reason = failure or (
            f"{str(error).strip().splitlines()[0]} Give a folder with tokenizer.json or vocab.txt, or a Hub id."
        )
        raise ModelError(f"No tokenizer can be loaded from {given!r}: {reason}") from (None if failure else error)


def continuation_mask(tokenizer: PreTrainedTokenizerBase) -> list[bool]:
    """Return for each id of the vocabulary whether its piece continues a word (`##…`), (vocab,)."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return [piece is not None and piece.startswith("##") for piece in pieces]


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, vocab_size: int) -> None:
    """Check that a tokenizer fits an embedding of `vocab_size` rows.

    Embeddings are often padded to a multiple of 8, which is faster on matrix units; the extra rows are never used.

    Raises:
        ModelError: there are ids without a row, or more rows without an id than padding explains.
    """
    extra_rows = vocab_size - len(tokenizer)
    if extra_rows == 0 or (vocab_size % 8 == 0 and 0 < extra_rows < 128):
        return
    raise ModelError(
        f"The tokenizer has {len(tokenizer):,} entries, the embedding of the model {vocab_size:,} rows: they do not "
        "match. Give the tokenizer that the model was trained with, or a BertConfig with the size of the tokenizer."
    )
