"""Token ids of a text or a pair → one or more windows that fit the model, in numpy alone."""

from collections.abc import Iterator

import numpy as np

from ..data.sequences import SequenceFormat

Window = tuple[np.ndarray, int]
"""Token ids (seq,) with special tokens, and where the second text starts; the length where there is none."""
Pieces = tuple[np.ndarray, np.ndarray | None]
"""What fits into one sequence of a text, and of the second text of a pair."""


def windows_of(
    first: np.ndarray, second: np.ndarray | None, format: SequenceFormat, max_length: int, stride: int | None, side: str
) -> list[Window]:
    """Return the windows of one example.

    Args:
        first: ids of the text.
        second: of the second one, if there is one.
        format: special tokens of a sequence of one text or of a pair.
        max_length: of a sequence, in tokens.
        stride: tokens that neighbours share; none means one window, and the text is truncated.
        side: on which tokens are cut off, right or left.
    """
    max_tokens = max_length - format.special_tokens
    if stride is None:
        pieces = iter([truncate(first, second, max_tokens, side)])
    else:
        pieces = _slide_pair(first, second, max_tokens, stride)
    return [_frame(*piece, format) for piece in pieces]


def _frame(first: np.ndarray, second: np.ndarray | None, format: SequenceFormat) -> Window:
    ids = format.join(first, second)
    return ids, len(ids) if second is None else len(first) + format.second_text


def _slide_pair(first: np.ndarray, second: np.ndarray | None, max_tokens: int, stride: int) -> Iterator[Pieces]:
    if second is None:
        for piece in slide(first, max_tokens, min(stride, max_tokens // 2)):
            yield piece, None
        return
    # Windows slide over the longer text; each has the shorter one, cut to half of the tokens if both are long.
    longer_first = len(first) > len(second)
    longer, shorter = (first, second) if longer_first else (second, first)
    shorter = shorter[: max(max_tokens - len(longer), max_tokens // 2)]
    remaining = max_tokens - len(shorter)
    for piece in slide(longer, remaining, min(stride, remaining // 2)):
        yield (piece, shorter) if longer_first else (shorter, piece)


def truncate(first: np.ndarray, second: np.ndarray | None, max_tokens: int, side: str = "right") -> Pieces:
    """Truncate a text, or the longer text of a pair until both fit (transformers' `longest_first`).

    Args:
        first: ids of the text.
        second: of the second one, if there is one.
        max_tokens: of both.
        side: on which tokens are cut off, right or left.

    >>> [len(part) for part in truncate(np.arange(9), np.arange(3), 8)]
    [5, 3]
    """

    def cut(ids: np.ndarray, kept: int) -> np.ndarray:
        return ids[:kept] if side == "right" else ids[max(len(ids) - kept, 0) :]

    if second is None:
        return cut(first, max_tokens), None
    # Of an odd number of tokens, the longer text keeps one more.
    shorter = min(len(first), len(second), max_tokens // 2)
    kept = shorter if len(first) <= len(second) else max_tokens - shorter
    return cut(first, kept), cut(second, max_tokens - kept)


def slide(tokens: np.ndarray, max_tokens: int, shared: int) -> Iterator[np.ndarray]:
    """Yield windows of up to `max_tokens` tokens, each sharing `shared` with the one before, until all are covered.

    >>> [window.tolist() for window in slide(np.arange(7), 4, 1)]
    [[0, 1, 2, 3], [3, 4, 5, 6]]
    """
    start = 0
    while True:
        yield tokens[start : start + max_tokens]
        if start + max_tokens >= len(tokens):
            return
        start += max_tokens - shared
