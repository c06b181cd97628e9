"""Tokenizers: loading, checking and training them."""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, BertTokenizer, PreTrainedTokenizerBase
from transformers.models.auto.tokenization_auto import get_tokenizer_config

from ..compat.hub import hub_failure
from ..errors import ModelError, raise_faults
from .vocabulary_file import SPECIAL_TOKENS, VocabularyFile, normalization, normalization_note, read_vocabulary

_ROLES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
_SPECIAL_TOKENS = dict(zip(_ROLES, SPECIAL_TOKENS, strict=True))
_USES = {"pad_token": "pads the texts of a batch", "mask_token": "stands for the masked words"}
_SAVED = ("padding_side", "truncation_side", "model_input_names")
_PADDED_ROWS = 128  # embeddings are padded to a multiple of at most this; with more rows there are ids to spare
_VOCABULARY = "vocab.txt"
_SHOWN = 3
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


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


@dataclass(frozen=True)
class LoadedTokenizer:
    """A tokenizer, and what had to be decided about it."""

    tokenizer: PreTrainedTokenizerBase
    notes: tuple[str, ...] = ()
    """What a reader of the report must know of it."""


def load_tokenizer(
    given: str | Path | PreTrainedTokenizerBase, needed: Sequence[str] = ("pad_token",)
) -> PreTrainedTokenizerBase:
    """Return the tokenizer of `open_tokenizer`."""
    return open_tokenizer(given, needed).tokenizer


def open_tokenizer(
    given: str | Path | PreTrainedTokenizerBase, needed: Sequence[str] = ("pad_token",)
) -> LoadedTokenizer:
    """Load a tokenizer from a Hub id, a folder, a `vocab.txt`, or a tokenizer object (of which a copy is made).

    Truncation and padding set in a `tokenizer.json` are disabled: examples and collators do both. Where nothing says
    whether texts are lower-cased, the entries of the vocabulary do.

    Args:
        given: what to load.
        needed: special tokens that are used beside those around a text, `pad_token` or `mask_token`.

    Raises:
        ModelError: it cannot be loaded, has no fast backend, or lacks a special token that is needed.
    """
    is_object = isinstance(given, PreTrainedTokenizerBase)
    loaded = LoadedTokenizer(copy.deepcopy(given)) if isinstance(given, PreTrainedTokenizerBase) else _load(given)
    tokenizer, name = loaded.tokenizer, type(given).__name__ if is_object else str(given)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(
            f"The tokenizer of {name} has no fast backend (tokenizers library), which is needed: choose another one."
        )
    backend.no_truncation()
    backend.no_padding()
    # What was set on an object is saved only if its class was given it, too.
    tokenizer.init_kwargs |= {name: getattr(tokenizer, name) for name in _SAVED}
    missing = [role for role in _SPECIAL_TOKENS if getattr(tokenizer, role, None) is None]
    entries = tokenizer.get_vocab() if missing else {}
    for role in [role for role in missing if _SPECIAL_TOKENS[role] in entries]:  # a tokenizer.json names no roles
        setattr(tokenizer, role, _SPECIAL_TOKENS[role])
        missing.remove(role)
    lacks = [f"{role}, which {_USES[role]}" for role in needed if role in missing]
    if lacks:
        raise ModelError(
            f"The tokenizer of {name} has no {', and no '.join(lacks)}: choose one that has it, or name it if it is in "
            f"the vocabulary (tokenizer.{lacks[0].partition(',')[0]} = …)."
        )
    return loaded


def _load(given: str | Path) -> LoadedTokenizer:
    path = Path(given).expanduser()
    if path.suffix == ".txt":
        if not path.is_file():
            raise ModelError(
                f"The vocabulary {given} does not exist (searched in {Path.cwd()}). Check the spelling of the path."
            )
        return _from_vocabulary(path)
    if (path / _VOCABULARY).is_file() and not any((path / name).is_file() for name in _TOKENIZER_FILES):
        return _from_vocabulary(path / _VOCABULARY)
    name = str(path) if path.exists() else str(given)
    try:
        tokenizer, settings = AutoTokenizer.from_pretrained(name), get_tokenizer_config(name)
        vocabulary = _vocabulary_file(tokenizer)
        changes: dict[str, Any] = {} if vocabulary is None else {"vocab": vocabulary.ids}
        notes = () if vocabulary is None else vocabulary.notes
        if isinstance(tokenizer, BertTokenizer) and "do_lower_case" not in settings:
            entries = sorted(ids := tokenizer.get_vocab(), key=ids.__getitem__)
            changes |= normalization(entries)
            notes += (normalization_note(changes, str(given), entries),)
        return LoadedTokenizer(AutoTokenizer.from_pretrained(name, **changes) if changes else tokenizer, notes)
    except ModelError:
        raise
    except Exception as error:
        failure = hub_failure(error)
        reason = failure or (
            f"{str(error).strip().splitlines()[0]} Give a folder with tokenizer.json or vocab.txt, or a Hub id."
        )
        raise ModelError(f"No tokenizer can be loaded from {str(given)!r}: {reason}") from (None if failure else error)


def _from_vocabulary(file: Path) -> LoadedTokenizer:
    """Make a tokenizer of a `vocab.txt` alone.

    Raises:
        ModelError: it lacks special tokens, or is not UTF-8.
    """
    vocabulary = read_vocabulary(file)
    missing = [token for token in SPECIAL_TOKENS if token not in vocabulary.ids]
    if missing:
        raise ModelError(
            f"The vocabulary {file} lacks {', '.join(missing)}: give the vocab.txt of a BERT, with one piece a line."
        )
    settings = normalization(vocabulary.ids)
    notes = (*vocabulary.notes, normalization_note(settings, file.name, vocabulary.ids))
    return LoadedTokenizer(BertTokenizer(vocab=vocabulary.ids, **settings), notes)


def _vocabulary_file(tokenizer: PreTrainedTokenizerBase) -> VocabularyFile | None:
    """Return the `vocab.txt` that a BERT tokenizer was made of; none where it was made of a tokenizer.json."""
    file = getattr(tokenizer, "vocab_file", None)
    if file is None or not isinstance(tokenizer, BertTokenizer) or Path(file).with_name("tokenizer.json").is_file():
        return None
    return read_vocabulary(Path(file))


def vocabulary_size(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many rows an embedding needs for a tokenizer: its largest id, and one.

    `len(tokenizer)` counts entries, which are fewer where ids are left out.
    """
    return max(tokenizer.get_vocab().values()) + 1


def continuation_mask(tokenizer: PreTrainedTokenizerBase) -> list[bool]:
    """Return for each id of the vocabulary whether its piece continues a word (`##…`), (vocab,)."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(vocabulary_size(tokenizer))))
    return [piece is not None and piece.startswith("##") for piece in pieces]


def check_ids(tokenizer: PreTrainedTokenizerBase, vocab_size: int) -> None:
    """Check that an embedding of `vocab_size` rows has one for each id of a tokenizer.

    Raises:
        ModelError: there are ids without a row; the message has their entries.
    """
    above = {token: id_ for token, id_ in tokenizer.get_vocab().items() if id_ >= vocab_size}
    if not above:
        return
    shown = [f"{token!r} ({above[token]:,})" for token in sorted(above, key=above.__getitem__)]
    more = ", …" if len(shown) > _SHOWN else ""
    raise ModelError(
        f"{_describe_size(tokenizer)}, the embedding of the model {vocab_size:,} rows: they do not match. Without a "
        f"row: {', '.join(shown[:_SHOWN])}{more}. Give the tokenizer that the model was trained with, or the model as "
        f"an object after model.resize_token_embeddings({vocabulary_size(tokenizer)})."
    )


def is_padded(vocab_size: int, needed: int) -> bool:
    """Return whether padding explains the rows that an embedding has beyond those needed.

    Embeddings are often padded to a multiple of 8, which is faster on matrix units.
    """
    return vocab_size == needed or (0 < vocab_size - needed < _PADDED_ROWS and vocab_size % 8 == 0)


def vocabulary_notes(tokenizer: PreTrainedTokenizerBase, vocab_size: int) -> tuple[str, ...]:
    """Check that an embedding of `vocab_size` rows has one for each id of a tokenizer; further rows are never used.

    Returns:
        A note where there are so many further rows that the tokenizer may be that of another model.

    Raises:
        ModelError: there are ids without a row.
    """
    check_ids(tokenizer, vocab_size)
    if vocab_size - vocabulary_size(tokenizer) < _PADDED_ROWS:
        return ()
    return (
        f"{_describe_size(tokenizer)}, the embedding of the model {vocab_size:,} rows: the others are never used. This "
        "is right if the model was trained with this tokenizer",
    )


def _describe_size(tokenizer: PreTrainedTokenizerBase) -> str:
    largest = vocabulary_size(tokenizer) - 1
    ids = f" with ids up to {largest:,}" if largest + 1 != len(tokenizer) else ""
    return f"The tokenizer has {len(tokenizer):,} entries{ids}"
