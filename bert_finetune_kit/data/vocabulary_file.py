"""`vocab.txt`: a piece a line, whose number is its id, and what its pieces say about the case of texts."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers.normalizers import BertNormalizer

from ..errors import ModelError
from .encoding import not_utf8

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WHITE_SPACE = " \t\r\n"
_SHOWN = 3
# The first under which the pieces can occur is right: a piece that its own tokenizer would change never does. A few
# such pieces are additions, like <URL> in a vocabulary of lower-cased words.
_NORMALIZATIONS: tuple[dict[str, Any], ...] = (
    {"do_lower_case": True, "strip_accents": None},  # which is the default of lower-casing: accents are removed, too
    {"do_lower_case": True, "strip_accents": False},
)
_KEPT: dict[str, Any] = {"do_lower_case": False, "strip_accents": None}
_ADDITIONS = 0.01


@dataclass(frozen=True)
class VocabularyFile:
    """The content of a `vocab.txt`."""

    ids: dict[str, int]
    """Id of each piece."""
    notes: tuple[str, ...] = ()
    """What a reader of the report must know of the file."""


def read_vocabulary(file: Path) -> VocabularyFile:
    """Read a `vocab.txt` as google-research/bert does: without white space around a piece, the last of equal ones wins.

    The number of a line is the id of its piece; blank lines count, but for those at the end of the file.

    Raises:
        ModelError: the file is not UTF-8.
    """
    try:
        with file.open(encoding="utf-8-sig") as lines:
            pieces = [line.strip(_WHITE_SPACE) for line in lines]
    except UnicodeDecodeError as error:
        raise ModelError(str(not_utf8(file, is_source=False))) from error
    ids = {piece: number for number, piece in enumerate(pieces) if piece}
    repeated = [piece for piece, count in Counter(filter(None, pieces)).items() if count > 1]
    return VocabularyFile(ids, (_repeated_note(repeated, file.name),) if repeated else ())


def _repeated_note(repeated: Collection[str], name: str) -> str:
    shown = ", ".join(f"{piece!r}" for piece in list(repeated)[:_SHOWN]) + (", …" if len(repeated) > _SHOWN else "")
    entries = "an entry" if len(repeated) == 1 else f"{len(repeated):,} entries"
    return f"{name} has {entries} more than once ({shown}), with the id of the last line"


def normalization(pieces: Iterable[str]) -> dict[str, Any]:
    """Return `do_lower_case` and `strip_accents` of a `BertTokenizer` under which the pieces of a vocabulary can occur.

    >>> normalization(["the", "##s", "bank"])["do_lower_case"], normalization(["the", "##s", "Bank"])["do_lower_case"]
    (True, False)
    """
    words = _words(pieces)
    kept = BertNormalizer(lowercase=False)
    for settings in _NORMALIZATIONS:
        changing = BertNormalizer(lowercase=settings["do_lower_case"], strip_accents=settings["strip_accents"])
        changed = sum(changing.normalize_str(word) != kept.normalize_str(word) for word in words)
        if changed <= _ADDITIONS * len(words):
            return dict(settings)
    return dict(_KEPT)


def _words(pieces: Iterable[str]) -> list[str]:
    """Return the pieces without `##`, and without special tokens, which stand in the text as they are."""
    return [piece.removeprefix("##") for piece in pieces if not (piece.startswith("[") and piece.endswith("]"))]


def normalization_note(settings: dict[str, Any], source: str, pieces: Iterable[str]) -> str:
    """Return in words how texts are normalized, and why.

    Args:
        settings: as `normalization` returns them.
        source: of the vocabulary.
        pieces: of the vocabulary.
    """
    begin = f"{source} does not say whether texts are lower-cased: they are"
    if not settings["do_lower_case"]:
        example = next(word for word in _words(pieces) if word != word.lower())
        return f"{begin} not, since the vocabulary has capital letters (such as in {example!r})"
    accents = ", and keep their accents" if settings["strip_accents"] is False else ""
    return f"{begin}{accents}, since the vocabulary has no capital letters"
