"""Texts → tokens → batches of similar length → outputs of an exported model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.padding import pad_rows, span_mask
from ..data.sequences import SequenceFormat
from ..errors import DataError
from .session import Arrays, Session
from .settings import ExportedSettings

Sequences = Sequence[tuple[np.ndarray, int]]
"""Token ids (seq,) with special tokens, and where the second text starts; the length where there is none."""


@dataclass(frozen=True)
class ExportedEncoder:
    """Tokenizer and session of an exported model."""

    tokenizer: Any
    """A `tokenizers.Tokenizer` without truncation and padding."""
    session: Session
    settings: ExportedSettings
    folder: Path
    """That it was loaded from."""

    def named(self, kind: type, *about: str) -> str:
        """Return what stands for an exported model where it is shown: its class, folder and format."""
        parts = (repr(str(self.folder)), *about, f"{self.settings.format} {self.settings.precision}")
        return f"{kind.__name__}({', '.join(parts)})"

    def encode(self, texts: Sequence[str], special: bool = False) -> list[Any]:
        """Return the encodings of texts without special tokens around them.

        Args:
            texts: to encode.
            special: whether a special token that is written in a text is one; else it is plain text.

        Raises:
            DataError: a text cannot be encoded as UTF-8.
        """
        self.tokenizer.encode_special_tokens = not special
        try:
            return list(self.tokenizer.encode_batch(list(texts), add_special_tokens=False))
        except (UnicodeEncodeError, TypeError) as error:
            wrong = next((text for text in texts if _has_surrogate(text)), None)
            if wrong is None:
                raise
            raise DataError(f"A text contains a lone surrogate (invalid Unicode): {wrong!r}. Remove it.") from error

    def run(
        self, sequences: Sequences, format: SequenceFormat, batch_size: int
    ) -> Iterator[tuple[np.ndarray, Arrays, Arrays]]:
        """Yield the indices of the sequences of each batch, its inputs, (batch, seq) int64, and its outputs.

        Args:
            sequences: of any length that the model takes. Those of similar length share a batch, the longest first.
            format: of the sequences.
            batch_size: sequences in a batch.
        """
        lengths = np.array([len(ids) for ids, _ in sequences])
        order = np.argsort(-lengths, kind="stable")
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            rows = [sequences[int(index)] for index in indices]
            ends, length = [len(ids) for ids, _ in rows], int(lengths[indices[0]])
            feeds = {
                "input_ids": pad_rows([ids for ids, _ in rows], self.settings.pad_token_id, length),
                "attention_mask": span_mask(ends, length),
                **format.token_types([second for _, second in rows], ends, length),
            }
            yield indices, feeds, self.session.run(feeds)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def token_ids(encodings: Sequence[Any]) -> list[np.ndarray]:
    """Return the ids of encodings, each (tokens,) int32."""
    return [np.array(encoding.ids, np.int32) for encoding in encodings]
