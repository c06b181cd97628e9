"""Questions and contexts as token ids with their places in the text, each context once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from datasets import Dataset, Features, List, Value

from ..compat.datasets import arrow_column, content_hash, fingerprint_of, no_progress_bars
from ..data.tokenized import ListColumn, encode_texts, list_lengths, text_backend, to_table
from .offsets import characters_of, trimmed_offsets

_TOKENS = Features({name: List(Value("int32")) for name in ("input_ids", "starts", "ends")})


@dataclass
class TokenizedQuestions:
    """Token ids of questions and of their contexts, each context once."""

    questions: Dataset | pa.Table
    """Column `input_ids`."""
    contexts: Dataset | pa.Table
    """Columns `input_ids`, and `starts` and `ends` of each token in characters."""
    context_of: np.ndarray
    """(questions,) int: number of the context of each question."""

    def __len__(self) -> int:
        return len(self.context_of)

    def __getstate__(self) -> dict[str, Any]:
        return {"questions": self.questions, "contexts": self.contexts, "context_of": self.context_of}

    def question(self, number: int) -> np.ndarray:
        """Token ids of a question, (tokens,) int32."""
        return self._question_ids.row(number)

    def context(self, number: int) -> np.ndarray:
        """Token ids of the context of a question, (tokens,) int32."""
        return self._context_ids.row(int(self.context_of[number]))

    def offsets(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """First character of each token of the context of a question, and the character after its last."""
        context = int(self.context_of[number])
        return self._starts.row(context), self._ends.row(context)

    def characters(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the characters of spans of tokens in their contexts: the first, and the one after the last.

        Args:
            first: number of the first token in the context, (questions, ...) int.
            last: of the last token, (questions, ...) int; undefined where a context has no such token.
        """
        lengths = list_lengths(arrow_column(self.contexts, "input_ids"))
        starts, ends = (np.concatenate([*column.values, [0]]) for column in (self._starts, self._ends))
        return characters_of(lengths, starts, ends, self.context_of, first, last)

    def count(self, token: int | None) -> int:
        """Return how often a token occurs in questions and contexts, each context once; none never does."""
        return self._question_ids.count(token) + self._context_ids.count(token)

    @cached_property
    def question_lengths(self) -> np.ndarray:
        """Tokens of each question, (questions,) int64."""
        return list_lengths(arrow_column(self.questions, "input_ids"))

    @cached_property
    def context_lengths(self) -> np.ndarray:
        """Tokens of the context of each question, (questions,) int64."""
        return list_lengths(arrow_column(self.contexts, "input_ids"))[self.context_of]

    @cached_property
    def _question_ids(self) -> ListColumn:
        return ListColumn(arrow_column(self.questions, "input_ids"))

    @cached_property
    def _context_ids(self) -> ListColumn:
        return ListColumn(arrow_column(self.contexts, "input_ids"))

    @cached_property
    def _starts(self) -> ListColumn:
        return ListColumn(arrow_column(self.contexts, "starts"))

    @cached_property
    def _ends(self) -> ListColumn:
        return ListColumn(arrow_column(self.contexts, "ends"))


def tokenize_questions(rows: Dataset, tokenizer: Any, cached: bool = True) -> TokenizedQuestions:
    """Tokenize the columns `question` and `context`, every different context once.

    Args:
        rows: questions, as `load_questions` returns them.
        tokenizer: a tokenizer with a backend of the `tokenizers` library, without truncation or padding.
        cached: on disk by content; else the tokens stay in memory.
    """
    numbers: dict[str, int] = {}
    context_of = np.array([numbers.setdefault(text, len(numbers)) for text in rows["context"]])
    questions, contexts = rows["question"][:], list(numbers)
    tokens = _tokenize(questions, tokenizer, cached)
    return TokenizedQuestions(tokens, _tokenize(contexts, tokenizer, cached), context_of)


def _tokenize(texts: list[str], tokenizer: Any, cached: bool) -> Dataset | pa.Table:
    backend = text_backend(tokenizer)
    if not cached:
        return to_table(encode_with_offsets({"text": texts}, backend))
    rows = Dataset.from_dict({"text": texts}, features=Features({"text": Value("large_string")}))
    fingerprint = content_hash(["questions", 2, fingerprint_of(rows), backend.to_str()])
    cache = Path(datasets.config.HF_DATASETS_CACHE) / "bert_finetune_kit"
    cache.mkdir(parents=True, exist_ok=True)
    with no_progress_bars():
        return rows.map(
            encode_with_offsets,
            batched=True,
            fn_kwargs={"backend": backend},
            remove_columns=["text"],
            features=_TOKENS,
            new_fingerprint=fingerprint,
            cache_file_name=str(cache / f"questions-{fingerprint}.arrow"),
        )


def encode_with_offsets(batch: dict[str, list[str]], backend: Any) -> dict[str, list[np.ndarray]]:
    """Return the ids of the tokens of each text, and where they start and end in characters, without white space."""
    encodings = encode_texts(batch["text"], backend)
    pairs = zip(batch["text"], encodings, strict=True)
    offsets = [trimmed_offsets(text, np.array(encoding.offsets, np.int32)) for text, encoding in pairs]
    return {
        "input_ids": [np.array(encoding.ids, np.int32) for encoding in encodings],
        "starts": [pairs[:, 0] for pairs in offsets],
        "ends": [pairs[:, 1] for pairs in offsets],
    }
