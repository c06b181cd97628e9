"""Words of a text, and the word that each token belongs to: explanations are shown by words, not by word pieces."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

Span = tuple[int, int]
"""First character of a word, and the one after its last."""

# Kinds of characters: letters, digits and their marks (w), signs of scripts without spaces, each of which counts as a
# word (c), apostrophes (a), other punctuation and symbols (p), white space and what is invisible (s).
_WORD = re.compile("w+(?:aw+)*|c|[ap]+")
_NO_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def word_spans(text: str) -> list[Span]:
    """Return where the words of a text are; a run of punctuation is one, too, and so is a text without any.

    >>> text = "Don't miss it: 很好!"
    >>> [text[start:end] for start, end in word_spans(text)]
    ["Don't", 'miss', 'it', ':', '很', '好', '!']
    """
    return [match.span() for match in _WORD.finditer("".join(map(_kind, text)))] or [(0, len(text))]


def words_of_tokens(ends: Sequence[int], words: Sequence[Span]) -> np.ndarray:
    """Return the index of the word that holds the last character of each token, or else of the one before, (tokens,).

    Every token belongs to a word, so that nothing is lost from a sum over words.

    Args:
        ends: the character after the last one of each token.
        words: spans, in their order; one at least.

    >>> words_of_tokens([2, 4, 5, 9], [(0, 4), (4, 5), (6, 9)]).tolist()
    [0, 0, 1, 2]
    """
    starts = [start for start, _ in words]
    return np.maximum(np.searchsorted(starts, np.asarray(ends) - 1, side="right") - 1, 0)


def _kind(character: str) -> str:
    if _NO_SPACES.match(character):
        return "c"
    if character in "'’":
        return "a"
    return {"L": "w", "N": "w", "M": "w", "P": "p", "S": "p"}.get(unicodedata.category(character)[0], "s")
