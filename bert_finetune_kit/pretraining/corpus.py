"""Documents as token ids in memory-mapped Arrow: all that is stored of a corpus, whatever the epoch."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from datasets import Dataset, Features, List, Value

from ..compat.datasets import arrow_column, content_hash, fingerprint_of, no_progress_bars
from ..data.digest import column_digest, digest
from ..data.documents import split_sentences
from ..data.tokenized import ListColumn, encode_texts, list_lengths, text_backend

_FEATURES = Features({"tokens": List(Value("int32")), "sentence_starts": List(Value("int32"))})
# Added to the id of a token that continues a word. It goes wherever the token goes, through windows and cut segments.
CONTINUES = 1 << 30
# Below this number of documents, starting worker processes takes longer than they save.
_DOCUMENTS_PER_WORKER = 2_000
# A longer run without the end of a sentence (other scripts, lists, text without stops) is cut at a word: a window of
# an example starts at a sentence, and would never reach the middle of a longer one.
LONGEST_SENTENCE = 64


def tokenize_corpus(documents: Dataset, tokenizer: Any, num_proc: int | None = None) -> "TokenizedCorpus":
    """Tokenize `documents` (column `text`) sentence by sentence, in parallel, cached on disk by content.

    Args:
        documents: one document a row; a line end in it always ends a sentence.
        tokenizer: a tokenizer with a backend of the `tokenizers` library, without truncation or padding.
        num_proc: worker processes; none means one for every 2,000 documents, up to the number of processors.
    """
    backend = text_backend(tokenizer)
    if num_proc is None:
        num_proc = min(os.cpu_count() or 1, documents.num_rows // _DOCUMENTS_PER_WORKER)
    with no_progress_bars():
        rows = documents.map(
            tokenize_documents,
            batched=True,
            batch_size=100,
            writer_batch_size=1000,
            num_proc=num_proc if num_proc > 1 else None,
            fn_kwargs={"backend": backend},
            remove_columns=documents.column_names,
            features=_FEATURES,
            new_fingerprint=content_hash(["tokenized", 3, fingerprint_of(documents), backend.to_str()]),
        )
    return TokenizedCorpus(rows)


def tokenize_documents(batch: dict[str, list[str]], backend: Any) -> dict[str, list[np.ndarray]]:
    """Return the tokens of each document and where its sentences start; sentences without a token are skipped."""
    sentences = [split_sentences(text) for text in batch["text"]]
    texts = [sentence for document in sentences for sentence in document]
    encodings = iter(encode_texts(texts, backend))
    tokens, sentence_starts = [], []
    for document in sentences:
        pieces = [piece for _ in document for piece in cut_long(marked_tokens(next(encodings))) if len(piece)]
        lengths = [len(piece) for piece in pieces]
        tokens.append(np.concatenate(pieces) if pieces else np.zeros(0, np.int32))
        sentence_starts.append(np.cumsum([0, *lengths[:-1]], dtype=np.int32)[: len(lengths)])
    return {"tokens": tokens, "sentence_starts": sentence_starts}


def marked_tokens(encoding: Any) -> np.ndarray:
    """Return the ids of a sentence, (tokens,) int32, each that continues a word of the tokenizer with `CONTINUES`."""
    ids, words = np.array(encoding.ids, np.int32), np.array(encoding.word_ids, np.int64)
    ids[1:][words[1:] == words[:-1]] |= CONTINUES
    return ids


def token_ids(tokens: np.ndarray) -> np.ndarray:
    """Return the ids of tokens, in their shape."""
    return tokens & ~CONTINUES


def continues_word(tokens: np.ndarray) -> np.ndarray:
    """Return which tokens continue a word, bool in their shape."""
    return tokens >= CONTINUES


def cut_long(tokens: np.ndarray) -> list[np.ndarray]:
    """Cut a sentence that is too long into pieces that begin with a word."""
    pieces, start, inner = [], 0, continues_word(tokens)
    while len(tokens) - start > LONGEST_SENTENCE:
        end = start + LONGEST_SENTENCE
        while end > start and inner[end]:
            end -= 1
        if end == start:  # a single word
            end = start + LONGEST_SENTENCE
        pieces.append(tokens[start:end])
        start = end
    return [*pieces, tokens[start:]]


@dataclass
class TokenizedCorpus:
    """Read-only view of tokenized documents, numbered from 0.

    Slices are views into the memory-mapped file; in memory lie 16 bytes a document.
    """

    rows: Dataset
    selected: np.ndarray | None = None  # row of each document; none means all rows in order

    def __len__(self) -> int:
        return len(self.lengths)

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self.rows, "selected": self.selected}  # views are opened anew in each process

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each document, (documents,) int64."""
        return self._take(self._list_lengths("tokens"))

    @cached_property
    def sentence_counts(self) -> np.ndarray:
        """Sentences of each document, (documents,) int64."""
        return self._take(self._list_lengths("sentence_starts"))

    def tokens(self, document: int) -> np.ndarray:
        """Tokens of one document, (tokens,) int32; `token_ids` and `continues_word` say what they hold."""
        return self._tokens.row(self._row(document))

    def input_ids(self, document: int) -> np.ndarray:
        """Token ids of one document, (tokens,) int32."""
        return token_ids(self.tokens(document))

    def sentence_starts(self, document: int) -> np.ndarray:
        """Where each sentence of one document starts, (sentences,) int32, the first 0."""
        return self._starts.row(self._row(document))

    def digest(self) -> str:
        """Return a hash of the tokens of all documents and of where their sentences start."""
        if self.selected is None:
            return " ".join(column_digest(arrow_column(self.rows, name)) for name in self.rows.column_names)
        documents = range(len(self))
        return digest(array for number in documents for array in (self.tokens(number), self.sentence_starts(number)))

    def subset(self, documents: np.ndarray) -> "TokenizedCorpus":
        """Return a view of some of the documents, in the order given."""
        rows = documents if self.selected is None else self.selected[documents]
        return TokenizedCorpus(self.rows, np.asarray(rows))

    def token_counts(self, vocab_size: int) -> np.ndarray:
        """Return how often each id occurs, (vocab_size,) int64."""
        counts = np.zeros(vocab_size, np.int64)
        if self.selected is None:
            for values in self._tokens.values:
                counts += np.bincount(token_ids(values), minlength=vocab_size)
        else:
            for document in range(len(self)):
                counts += np.bincount(self.input_ids(document), minlength=vocab_size)
        return counts

    def _row(self, document: int) -> int:
        return document if self.selected is None else int(self.selected[document])

    def _take(self, values: np.ndarray) -> np.ndarray:
        return values if self.selected is None else values[self.selected]

    def _list_lengths(self, column: str) -> np.ndarray:
        return list_lengths(arrow_column(self.rows, column))

    @cached_property
    def _tokens(self) -> ListColumn:
        return ListColumn(arrow_column(self.rows, "tokens"))

    @cached_property
    def _starts(self) -> ListColumn:
        return ListColumn(arrow_column(self.rows, "sentence_starts"))
