"""How a tokenizer puts texts into a sequence: the special tokens around and between them, and the token types."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import ModelError


@dataclass(frozen=True)
class SequenceFormat:
    """The special tokens of a sequence of one text or of a pair, and the token types of its parts."""

    before: tuple[int, ...]
    """Ids before the first text: `[CLS]` in BERT, `<s>` in RoBERTa."""
    between: tuple[int, ...]
    """Ids between two texts: `[SEP]` in BERT, `</s></s>` in RoBERTa; none in the format of one text."""
    after: tuple[int, ...]
    """Ids after the last text."""
    types: tuple[int, int, int] | None = None
    """Token types of the ids before, of the first text with the ids that follow it, and of the second text with the ids
    after it; none where the tokenizer gives no types, or the model takes none."""

    @property
    def special_tokens(self) -> int:
        """Number of special tokens."""
        return len(self.before) + len(self.between) + len(self.after)

    @property
    def tells_texts_apart(self) -> bool:
        """Whether the token types of the two texts of a pair differ."""
        return self.types is not None and self.types[1] != self.types[2]

    @property
    def second_text(self) -> int:
        """Where the second text starts in a sequence, less the length of the first."""
        return len(self.before) + len(self.between)

    def join(self, first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
        """Return the ids of a sequence, (seq,) int32."""
        before, between, after = self._arrays
        parts = [before, first, after] if second is None else [before, first, between, second, after]
        return np.concatenate(parts)

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        before, between, after = (np.array(ids, np.int32) for ids in (self.before, self.between, self.after))
        return before, between, after

    def sequence_types(self, start: int, length: int) -> dict[str, np.ndarray]:
        """Return `token_type_ids` of one sequence, (length,) int64; nothing without types.

        Args:
            start: position of the second text; the length where there is none.
            length: of the sequence.
        """
        if self.types is None:
            return {}
        before, first, second = self.types
        types = np.full(length, first, np.int64)
        types[: len(self.before)] = before
        types[start:] = second
        return {"token_type_ids": types}

    def token_types(self, starts: Sequence[int], ends: Sequence[int], length: int) -> dict[str, np.ndarray]:
        """Return `token_type_ids` of a batch, (batch, length) int64 and 0 in the padding; nothing without types.

        Args:
            starts: position of the second text in each sequence; its end where there is none.
            ends: length of each sequence.
            length: of the padded batch.
        """
        if self.types is None:
            return {}
        before, first, second = self.types
        positions = np.arange(length)
        types = np.where(positions >= np.asarray(starts)[:, None], second, first)
        types[:, : len(self.before)] = before
        return {"token_type_ids": np.where(positions < np.asarray(ends)[:, None], types, 0)}


def sequence_formats(tokenizer: Any, takes_types: bool) -> tuple[SequenceFormat, SequenceFormat]:
    """Return the formats of one text and of a pair, as `tokenizer(text)` and `tokenizer(text, text_pair)` have them.

    Args:
        tokenizer: with a fast backend.
        takes_types: whether the model has token types.

    Raises:
        ModelError: the sequence does not begin and end with special tokens, or its token types are not by text.
    """
    return _probe(tokenizer, takes_types, pair=False), _probe(tokenizer, takes_types, pair=True)


def _probe(tokenizer: Any, takes_types: bool, pair: bool) -> SequenceFormat:
    # A call of the tokenizer itself would change how its backend treats special tokens in a text.
    encoding = tokenizer.backend_tokenizer.encode("a", "a" if pair else None)
    parts = np.array([-1 if number is None else number for number in encoding.sequence_ids])  # -1: special tokens
    ids = np.array(encoding.ids)
    first, last = np.flatnonzero(parts == 0), np.flatnonzero(parts == int(pair))
    if not len(first) or not len(last) or first[0] == 0 or last[-1] + 1 == len(ids):
        raise ModelError(
            f"{type(tokenizer).__name__} does not put special tokens around a text, which the heads of encoders read: "
            f"tokenizer('a') gives {tokenizer.convert_ids_to_tokens(ids.tolist())}. Choose another tokenizer."
        )
    between = ids[first[-1] + 1 : last[0]] if pair else ids[:0]
    has_types = "token_type_ids" in tokenizer.model_input_names
    types = _types(np.array(encoding.type_ids), first, last) if takes_types and has_types else None
    return SequenceFormat(
        before=tuple(ids[: first[0]].tolist()),
        between=tuple(between.tolist()),
        after=tuple(ids[last[-1] + 1 :].tolist()),
        types=types,
    )


def _types(types: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[int, int, int]:
    """Return the types of the special tokens before, of the first text, and of the second text."""
    end = last[0] if last[0] > first[-1] else len(types)  # of the first text with the special tokens after it
    parts = (types[: first[0]], types[first[0] : end], types[last[0] :])
    if any((part != part[0]).any() for part in parts):
        raise ModelError(f"The token types of a pair, {types.tolist()}, are not those of its two texts.")
    before, of_first, of_second = (int(part[0]) for part in parts)
    return before, of_first, of_second
