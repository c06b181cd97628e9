"""BERT tokenizers: loading one without its side effects, and training one on one's own text."""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, BertTokenizer, PreTrainedTokenizerBase

from ..errors import ModelError, raise_faults

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NEEDED = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")


def train_wordpiece(
    texts: Iterable[str], vocab_size: int = 30_522, *, lowercase: bool = True, min_frequency: int = 2
) -> BertTokenizer:
    """Train a BERT tokenizer on `texts` (Schuster and Nakajima 2012; as in the BERT paper, section 3).

    Args:
        texts: strings, read twice as a stream; what can be read only once is read into memory.
        vocab_size: largest size of the vocabulary; a small text gives a smaller one.
        lowercase: lower the case and strip accents, as bert-base-uncased does.
        min_frequency: how often a pair must occur to be merged.

    Raises:
        ConfigError: `vocab_size` cannot hold the special tokens and an alphabet.
        ModelError: there is no text.
    """
    faults = []
    if vocab_size < 100:
        faults.append(f"vocab_size is {vocab_size}: at least 100 are needed for the alphabet and the special tokens")
    if min_frequency < 1:
        faults.append(f"min_frequency is {min_frequency}: it counts occurrences, so it starts at 1")
    if isinstance(texts, str):
        faults.append("texts is one string, whose letters would be taken for texts: give a list of texts")
    raise_faults(faults, "train_wordpiece")
    if isinstance(texts, Iterator):
        texts = list(texts)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    alphabet = _alphabet(texts, tokenizer, limit=vocab_size // 4)
    if not alphabet:
        raise ModelError("train_wordpiece was given no text: the vocabulary would hold the special tokens alone.")
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        # The trainer numbers letters in the order of a hash map, new in each process, and breaks ties between pairs by
        # number. Handed over as special tokens, which they are not afterwards, they have fixed numbers.
        special_tokens=[*SPECIAL_TOKENS, *alphabet],
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return BertTokenizer(vocab=tokenizer.get_vocab(), do_lower_case=lowercase)


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


def load_tokenizer(given: Any) -> PreTrainedTokenizerBase:
    """Return a tokenizer from a Hub id, a folder, a `vocab.txt`, or a tokenizer object (which is left as it is).

    Truncation and padding that a `tokenizer.json` carries are taken off: the kit cuts and pads by itself.

    Raises:
        ModelError: it cannot be loaded, has no fast backend, or lacks one of BERT's special tokens.
    """
    tokenizer = copy.deepcopy(given) if isinstance(given, PreTrainedTokenizerBase) else _load(given)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(f"The tokenizer of {given} has no fast backend (tokenizers library), which the kit needs.")
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True  # "[SEP]" in a text is text
    missing = [name for name in _NEEDED if getattr(tokenizer, name, None) is None]
    if missing:
        raise ModelError(f"The tokenizer of {given} has no {', '.join(missing)}: BERT pretraining needs them all.")
    return tokenizer


def _load(given: str | Path) -> PreTrainedTokenizerBase:
    path = Path(given).expanduser()
    if path.suffix == ".txt":
        if not path.is_file():
            raise ModelError(f"The vocabulary {given} does not exist. Check the spelling of the path.")
        return BertTokenizer(vocab=str(path))
    try:
        return AutoTokenizer.from_pretrained(str(path) if path.exists() else str(given))
    except Exception as error:
        raise ModelError(
            f"No tokenizer can be loaded from {given!r}: {str(error).strip().splitlines()[0]} "
            "Give a folder with tokenizer.json or vocab.txt, or a Hub id while the network is there."
        ) from error


def continuation_mask(tokenizer: PreTrainedTokenizerBase) -> list[bool]:
    """For each id of the vocabulary, whether the piece continues a word (`##…`)."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return [piece is not None and piece.startswith("##") for piece in pieces]


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, vocab_size: int) -> None:
    """Check that a tokenizer and an embedding of `vocab_size` rows belong together.

    Embeddings are often padded up to a multiple of 8 that matrix units like; the rows too many then never occur.

    Raises:
        ModelError: there are ids without a row, or many rows without an id.
    """
    over = vocab_size - len(tokenizer)
    if over == 0 or (vocab_size % 8 == 0 and 0 < over < 128):
        return
    raise ModelError(
        f"The tokenizer has {len(tokenizer):,} entries, the embedding of the model {vocab_size:,} rows: they do not "
        "belong together. Give the tokenizer that the model was made with, or a BertConfig of the tokenizer's size."
    )
