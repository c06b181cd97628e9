"""Token ids in memory-mapped Arrow columns, and tokenizing texts into them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset, Features, List, Value
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from ..compat.datasets import arrow_column, content_hash, fingerprint_of, no_progress_bars
from .digest import column_digest


class ListColumn:
    """Rows of an Arrow list column as NumPy views, without a copy."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        chunks = [chunk for chunk in column.chunks if len(chunk)]
        self.values = [chunk.flatten().to_numpy(zero_copy_only=True) for chunk in chunks]
        self._offsets = [chunk.offsets.to_numpy() - chunk.offsets[0].as_py() for chunk in chunks]
        self._first_row = np.cumsum([0, *(len(chunk) for chunk in chunks)])

    def row(self, index: int) -> np.ndarray:
        """Return the values of one row."""
        chunk = int(np.searchsorted(self._first_row, index, side="right")) - 1
        offsets = self._offsets[chunk]
        row = index - self._first_row[chunk]
        return self.values[chunk][offsets[row] : offsets[row + 1]]

    def count(self, value: int | None) -> int:
        """Return how often a value occurs in all rows, none never."""
        return 0 if value is None else int(sum((values == value).sum() for values in self.values))


def list_lengths(column: pa.ChunkedArray) -> np.ndarray:
    """Return the number of values in each row of an Arrow list column, (rows,) int64."""
    return pc.list_value_length(column).to_numpy().astype(np.int64)


@dataclass
class TokenizedTexts:
    """Token ids of texts or pairs of texts, without special tokens or truncation."""

    rows: Dataset | pa.Table
    """On disk, or those of a prediction in memory."""

    def __len__(self) -> int:
        return self.rows.num_rows

    def subset(self, texts: np.ndarray) -> "TokenizedTexts":
        """Return the texts of these rows, in this order."""
        with no_progress_bars():
            return TokenizedTexts(self.rows.select(texts).flatten_indices())

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self.rows}  # each process opens views of its own

    @property
    def are_pairs(self) -> bool:
        """Whether each row is a pair of texts."""
        return "text_pair" in self.rows.column_names

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        return self._texts.row(index), self._pairs.row(index) if self.are_pairs else None

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each row, both texts together, (rows,) int64."""
        return sum(list_lengths(arrow_column(self.rows, name)) for name in self.rows.column_names)  # type: ignore[return-value]

    def digest(self) -> str:
        """Return a hash of all texts."""
        return " ".join(column_digest(arrow_column(self.rows, name)) for name in self.rows.column_names)

    def count(self, token: int | None) -> int:
        """Return how often a token occurs, none never."""
        columns = [self._texts, self._pairs] if self.are_pairs else [self._texts]
        return sum(column.count(token) for column in columns)

    @cached_property
    def _texts(self) -> ListColumn:
        return ListColumn(arrow_column(self.rows, "text"))

    @cached_property
    def _pairs(self) -> ListColumn:
        return ListColumn(arrow_column(self.rows, "text_pair"))


def tokenize_texts(
    rows: Dataset, text: str, text_pair: str | None, tokenizer: PreTrainedTokenizerBase, cached: bool = True
) -> TokenizedTexts:
    """Tokenize one or two columns of `rows`.

    Args:
        rows: a data set.
        text: column of the text.
        text_pair: column of the second text, if there is one.
        tokenizer: a tokenizer with a backend of the `tokenizers` library, without truncation or padding.
        cached: on disk by content; else the tokens stay in memory.
    """
    backend = text_backend(tokenizer)
    columns = {"text": text} | ({"text_pair": text_pair} if text_pair is not None else {})
    if not cached:
        texts = {column: rows[column][:] for column in columns.values()}
        return TokenizedTexts(to_table(tokenize_columns(texts, backend, columns)))
    key = ["texts", 2, fingerprint_of(rows), list(columns.values()), backend.to_str()]
    with no_progress_bars():
        tokenized = rows.select_columns(list(columns.values())).map(
            tokenize_columns,
            batched=True,
            batch_size=1000,
            fn_kwargs={"backend": backend, "columns": columns},
            remove_columns=list(columns.values()),
            features=Features({name: List(Value("int32")) for name in columns}),
            new_fingerprint=content_hash(key),
        )
    return TokenizedTexts(tokenized)


def tokenize_columns(
    batch: Mapping[str, list[str]], backend: Tokenizer, columns: Mapping[str, str]
) -> dict[str, list[np.ndarray]]:
    """Return the token ids of each text of some columns, by new name of the column; `columns` has the old names."""
    return {
        name: [np.array(encoding.ids, np.int32) for encoding in encode_texts(batch[column], backend, offsets=False)]
        for name, column in columns.items()
    }


def to_table(columns: Mapping[str, list[np.ndarray]]) -> pa.Table:
    """Return columns of int32 arrays as a table in memory."""
    return pa.table({name: pa.array(rows, pa.list_(pa.int32())) for name, rows in columns.items()})


def text_backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return the backend with which a tokenizer's texts are encoded.

    `encode_texts` reads special tokens in a text as text. Those that a user has added, such as entity markers, are
    meant to stay tokens: in what is returned they are added tokens that are not special.
    """
    backend: Tokenizer = tokenizer.backend_tokenizer
    added = backend.get_added_tokens_decoder().values()
    markers = {token.content for token in added if token.special}.difference(_framing_tokens(tokenizer))
    if not markers:
        return backend
    rules = json.loads(backend.to_str())
    for token in rules["added_tokens"]:
        token["special"] &= token["content"] not in markers
    return Tokenizer.from_str(json.dumps(rules))


def _framing_tokens(tokenizer: PreTrainedTokenizerBase) -> set[str]:
    """Return the special tokens that have a role in a tokenizer, and those that it puts around texts."""
    roles = (getattr(tokenizer, name, None) for name in tokenizer.SPECIAL_TOKENS_ATTRIBUTES)
    encoding = tokenizer.backend_tokenizer.encode("a", "a")
    around = (token for token, text in zip(encoding.tokens, encoding.sequence_ids, strict=True) if text is None)
    return {str(token) for token in (*roles, *around) if token is not None}


def encode_texts(texts: list[str], backend: Tokenizer, offsets: bool = True) -> list[Any]:
    """Return the encodings of texts without special tokens; "[SEP]" in a text is plain text.

    Args:
        texts: to encode.
        backend: as `text_backend` returns it.
        offsets: whether the places of tokens in the texts are needed.
    """
    backend.encode_special_tokens = True  # a copy of a tokenizer, as in another process, has lost this setting
    encode = backend.encode_batch if offsets else backend.encode_batch_fast
    encodings: list[Any] = encode(texts, add_special_tokens=False)
    return encodings
