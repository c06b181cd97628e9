"""Texts and targets of a split as examples of one or more windows."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..data.digest import digest
from ..data.examples import Key, split_key
from ..data.sequences import SequenceFormat
from ..data.tokenized import TokenizedTexts
from .windows import Window, windows_of


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
        return windows_of(first, second, self.format, self.max_length, self.stride, self.truncation_side)

    @property
    def max_tokens(self) -> int:
        """Number of tokens in a sequence that are not special tokens."""
        return self.max_length - self.format.special_tokens

    @cached_property
    def too_long(self) -> np.ndarray:
        """Indices of the examples that do not fit into one sequence, (too long,) int64."""
        return np.flatnonzero(self.texts.lengths > self.max_tokens)
