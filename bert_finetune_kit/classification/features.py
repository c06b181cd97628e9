"""Token ids of a text or a pair → one window or several that fit the model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..data.tokenized import TokenizedTexts

# Which example: its number, or (epoch, number, whether it counts). A sampler for several processes fills its last batch
# with examples that do not count.
Key = int | tuple[int, int, bool]

Window = tuple[np.ndarray, int]
"""Token ids (seq,) with special tokens, and how many of them belong to the first text."""


@dataclass
class ClassificationExamples:
    """Examples of a split, a map-style dataset of dicts.

    - `windows`: a list of (`input_ids` (seq,) int32, tokens of the first text with its special tokens)
    - `label`: target as `LabelSet.encode` gives it; absent where there are no labels
    - `counts`: whether it counts in the loss
    """

    texts: TokenizedTexts
    targets: np.ndarray | None
    max_length: int
    stride: int | None
    cls_token_id: int
    sep_token_id: int

    def __len__(self) -> int:
        return len(self.texts)

    def subset(self, examples: np.ndarray) -> "ClassificationExamples":
        """Return some of the examples."""
        return replace(self, texts=self.texts.subset(examples), targets=self.labels[examples])

    @property
    def labels(self) -> np.ndarray:
        """Targets of all examples, which there must be."""
        assert self.targets is not None
        return self.targets

    def __getitem__(self, key: Key) -> dict[str, Any]:
        _, index, counts = key if isinstance(key, tuple) else (0, key, True)
        example: dict[str, Any] = {"windows": self.windows(index), "counts": counts}
        if self.targets is not None:
            example["label"] = self.targets[index]
        return example

    def windows(self, index: int) -> list[Window]:
        """Return the windows of one example."""
        first, second = self.texts[index]
        pieces = cut(first, second, self.room) if self.stride is None else self._slide(first, second)
        return [self._frame(*piece) for piece in pieces]

    @property
    def room(self) -> int:
        """Tokens of text in a sequence."""
        return self.max_length - (3 if self.texts.are_pairs else 2)

    @cached_property
    def too_long(self) -> np.ndarray:
        """Numbers of the examples that do not fit into one sequence, (examples,) int64."""
        return np.flatnonzero(self.texts.lengths > self.room)

    def _slide(self, first: np.ndarray, second: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        assert self.stride is not None
        if second is None:
            for piece in slide(first, self.room, min(self.stride, self.room // 2)):
                yield piece, None
            return
        # The longer text slides beside the shorter one, which is cut where it would take more than half of the room.
        longer_first = len(first) > len(second)
        longer, shorter = (first, second) if longer_first else (second, first)
        shorter = shorter[: max(self.room - len(longer), self.room // 2)]
        room = self.room - len(shorter)
        for piece in slide(longer, room, min(self.stride, room // 2)):
            yield (piece, shorter) if longer_first else (shorter, piece)

    def _frame(self, first: np.ndarray, second: np.ndarray | None) -> Window:
        cls, sep = np.array([self.cls_token_id], np.int32), np.array([self.sep_token_id], np.int32)
        if second is None:
            ids = np.concatenate([cls, first, sep])
            return ids, len(ids)
        return np.concatenate([cls, first, sep, second, sep]), len(first) + 2


def cut(first: np.ndarray, second: np.ndarray | None, room: int) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Cut one text at its end, or of a pair the longer one until both fit (transformers' `longest_first`).

    >>> [len(part) for part in cut(np.arange(9), np.arange(3), 8)[0]]
    [5, 3]
    """
    if second is None:
        return [(first[:room], None)]
    kept = max(room - len(second), min(len(first), (room + 1) // 2))
    first = first[:kept]
    return [(first, second[: room - len(first)])]


def slide(tokens: np.ndarray, room: int, shared: int) -> Iterator[np.ndarray]:
    """Yield windows of up to `room` tokens, each sharing `shared` with the one before, until all are covered.

    >>> [window.tolist() for window in slide(np.arange(7), 4, 1)]
    [[0, 1, 2, 3], [3, 4, 5, 6]]
    """
    start = 0
    while True:
        yield tokens[start : start + room]
        if start + room >= len(tokens):
            return
        start += room - shared
