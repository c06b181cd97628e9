"""Token ids of a text or a pair → one or more windows that fit the model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..data.digest import digest
from ..data.examples import Key, split_key
from ..data.sequences import SequenceFormat
from ..data.tokenized import TokenizedTexts

Window = tuple[np.ndarray, int]
"""Token ids (seq,) with special tokens, and where the second text starts; the length where there is none."""


Pieces = tuple[np.ndarray, np.ndarray | None]
"""What fits into one sequence of a text, and of the second text of a pair."""


@dataclass
class ClassificationExamples:
    """Examples of a split, a map-style dataset of dicts.

    - `windows`: a list of (`input_ids` (seq,) int32, where the second text starts)
    - `label`: target as `LabelSet.encode` returns it; absent without targets
    - `in_loss`: whether it counts in the loss
    """

    texts: TokenizedTexts
    targets: np.ndarray | None
    max_length: int
    stride: int | None
    format: SequenceFormat
    truncation_side: str = "right"
    """As the attribute of a tokenizer."""

    def __len__(self) -> int:
        return len(self.texts)

    def subset(self, examples: np.ndarray) -> "ClassificationExamples":
        """Return a selection of the examples."""
        return replace(self, texts=self.texts.subset(examples), targets=self.labels[examples])

    @property
    def labels(self) -> np.ndarray:
        """Targets of all examples; not defined without targets."""
        assert self.targets is not None
        return self.targets

    def __getitem__(self, key: Key) -> dict[str, Any]:
        _, index, in_loss = split_key(key)
        example: dict[str, Any] = {"windows": self.windows(index), "in_loss": in_loss}
        if self.targets is not None:
            example["label"] = self.targets[index]
        return example

    def digest(self) -> str:
        """Return a hash of all texts and targets."""
        return f"{self.texts.digest()} {digest([] if self.targets is None else [self.targets.ravel()])}"

    def windows(self, index: int) -> list[Window]:
        """Return the windows of one example."""
        first, second = self.texts[index]
        if self.stride is None:
            pieces: Iterable[Pieces] = [truncate(first, second, self.max_tokens, self.truncation_side)]
        else:
            pieces = self._slide(first, second)
        return [self._frame(*piece) for piece in pieces]

    @property
    def max_tokens(self) -> int:
        """Number of tokens in a sequence that are not special tokens."""
        return self.max_length - self.format.special_tokens

    @cached_property
    def too_long(self) -> np.ndarray:
        """Indices of the examples that do not fit into one sequence, (too long,) int64."""
        return np.flatnonzero(self.texts.lengths > self.max_tokens)

    def _slide(self, first: np.ndarray, second: np.ndarray | None) -> Iterator[Pieces]:
        assert self.stride is not None
        if second is None:
            for piece in slide(first, self.max_tokens, min(self.stride, self.max_tokens // 2)):
                yield piece, None
            return
        # Windows slide over the longer text; each has the shorter one, cut to half of the tokens if both are long.
        longer_first = len(first) > len(second)
        longer, shorter = (first, second) if longer_first else (second, first)
        shorter = shorter[: max(self.max_tokens - len(longer), self.max_tokens // 2)]
        remaining = self.max_tokens - len(shorter)
        for piece in slide(longer, remaining, min(self.stride, remaining // 2)):
            yield (piece, shorter) if longer_first else (shorter, piece)

    def _frame(self, first: np.ndarray, second: np.ndarray | None) -> Window:
        ids = self.format.join(first, second)
        return ids, len(ids) if second is None else len(first) + self.format.second_text


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
