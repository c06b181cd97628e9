"""Questions and their contexts → windows of tokens that fit the model."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets import Dataset, Features, List, Value
from datasets.fingerprint import Hasher

from ..data.readers import quiet_datasets
from ..data.tokenized import ListColumn, list_lengths
from .answers import AnswerCheck, to_tokens
from .config import QAConfig

# Which window: its number, or (epoch, number, whether it counts).
Key = int | tuple[int, int, bool]

_TOKENS = Features({name: List(Value("int32")) for name in ("input_ids", "starts", "ends")})


@dataclass
class TokenizedQuestions:
    """Token ids of questions and of their contexts, each context once."""

    questions: Dataset
    """Column `input_ids`."""
    contexts: Dataset
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
        place = int(self.context_of[number])
        return self._starts.row(place), self._ends.row(place)

    def characters(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where spans of tokens stand in their contexts: first character, and the one after the last.

        Args:
            first: number of the first token in the context, (questions, ...) int.
            last: of the last token, (questions, ...) int; where a context has no such token, the result means nothing.
        """
        lengths = list_lengths(self.contexts.data.column("input_ids"))
        begin = (np.cumsum(lengths) - lengths)[self.context_of]
        begin = begin.reshape(-1, *[1] * (first.ndim - 1))
        starts, ends = (np.concatenate([*column.values, [0]]) for column in (self._starts, self._ends))
        return starts[np.minimum(begin + first, len(starts) - 1)], ends[np.minimum(begin + last, len(ends) - 1)]

    def count(self, token: int) -> int:
        """Return how often a token occurs in questions and contexts, each context once."""
        columns = (self._question_ids, self._context_ids)
        return int(sum((values == token).sum() for column in columns for values in column.values))

    @cached_property
    def question_lengths(self) -> np.ndarray:
        """Tokens of each question, (questions,) int64."""
        return list_lengths(self.questions.data.column("input_ids"))

    @cached_property
    def context_lengths(self) -> np.ndarray:
        """Tokens of the context of each question, (questions,) int64."""
        return list_lengths(self.contexts.data.column("input_ids"))[self.context_of]

    @cached_property
    def _question_ids(self) -> ListColumn:
        return ListColumn(self.questions.data.column("input_ids"))

    @cached_property
    def _context_ids(self) -> ListColumn:
        return ListColumn(self.contexts.data.column("input_ids"))

    @cached_property
    def _starts(self) -> ListColumn:
        return ListColumn(self.contexts.data.column("starts"))

    @cached_property
    def _ends(self) -> ListColumn:
        return ListColumn(self.contexts.data.column("ends"))


def tokenize_questions(rows: Dataset, tokenizer: Any) -> TokenizedQuestions:
    """Tokenize the columns `question` and `context`, every different context once, cached on disk by content.

    Args:
        rows: questions, as `load_questions` gives them.
        tokenizer: a tokenizer with a backend of the `tokenizers` library, without truncation or padding.
    """
    numbers: dict[str, int] = {}
    context_of = np.array([numbers.setdefault(text, len(numbers)) for text in rows["context"]])
    questions, contexts = rows["question"][:], list(numbers)
    return TokenizedQuestions(_tokenize(questions, tokenizer), _tokenize(contexts, tokenizer), context_of)


def _tokenize(texts: list[str], tokenizer: Any) -> Dataset:
    backend = tokenizer.backend_tokenizer
    rows = Dataset.from_dict({"text": texts}, features=Features({"text": Value("large_string")}))
    fingerprint = Hasher.hash(["questions", 1, rows._fingerprint, backend.to_str()])
    cache = Path(datasets.config.HF_DATASETS_CACHE) / "bert_finetune_kit"
    cache.mkdir(parents=True, exist_ok=True)
    with quiet_datasets():
        return rows.map(
            _encode,
            batched=True,
            fn_kwargs={"backend": backend},
            remove_columns=["text"],
            features=_TOKENS,
            new_fingerprint=fingerprint,
            cache_file_name=str(cache / f"questions-{fingerprint}.arrow"),
            load_from_cache_file=True,
        )


def _encode(batch: dict[str, list[str]], backend: Any) -> dict[str, list[np.ndarray]]:
    encodings = backend.encode_batch(batch["text"], add_special_tokens=False)
    offsets = [np.array(encoding.offsets, np.int32).reshape(-1, 2) for encoding in encodings]
    return {
        "input_ids": [np.array(encoding.ids, np.int32) for encoding in encodings],
        "starts": [pairs[:, 0] for pairs in offsets],
        "ends": [pairs[:, 1] for pairs in offsets],
    }


def answer_spans(rows: Dataset, tokens: TokenizedQuestions) -> tuple[np.ndarray, AnswerCheck]:
    """Return the tokens of the first answer of each question that stands in its context.

    Returns:
        (questions, 2) int, first and last token in the context, -1 where there is no answer; and what was found. The
        questions of `AnswerCheck.missing` have answers that are not there: they must not be learnt as unanswerable.
    """
    check = AnswerCheck()
    spans = np.full((len(rows), 2), -1)
    columns = (rows[name] for name in ("id", "context", "answers"))
    for number, (one, context, answers) in enumerate(zip(*columns, strict=True)):
        if not answers["text"]:
            continue
        found = check.first_span(one, context, answers["text"], answers["answer_start"])
        span = None if found is None else to_tokens(*tokens.offsets(number), *found)
        if span is not None:
            spans[number] = span
        elif found is not None:
            check.missing.append(one)
    return spans, check


@dataclass(frozen=True)
class Windows:
    """Where the windows of the contexts lie, and the answers in them; each field is (windows,)."""

    question: np.ndarray
    """int: number of the question, rising."""
    first_token: np.ndarray
    """int: number of the window's first token in the context."""
    asked: np.ndarray
    """int: tokens of the question in the window."""
    length: np.ndarray
    """int: tokens of the context in the window."""
    start: np.ndarray
    """int: position of the first token of the answer; 0 (`[CLS]`) where the window does not hold all of it."""
    end: np.ndarray
    """int: position of the last token of the answer, or 0."""
    cuts: np.ndarray
    """bool: whether the window holds a part of the answer alone."""

    def __len__(self) -> int:
        return len(self.question)

    def take(self, chosen: np.ndarray) -> "Windows":
        """Return some of the windows."""
        return Windows(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sequence with special tokens, (windows,) int64."""
        return self.asked + self.length + 3

    @property
    def shift(self) -> np.ndarray:
        """What to add to a position in the window to get the number of the token in the context, (windows,) int."""
        return self.first_token - self.asked - 2


def lay_windows(tokens: TokenizedQuestions, config: QAConfig, spans: np.ndarray | None = None) -> Windows:
    """Return the windows of all questions: each shares `doc_stride` tokens with the one before, and they cover all.

    Args:
        tokens: questions and contexts.
        config: lengths.
        spans: first and last token of each answer, (questions, 2), -1 where there is none; none means no answers.
    """
    asked = np.minimum(tokens.question_lengths, config.max_question_length)
    room = config.max_length - asked - 3
    step = room - config.doc_stride
    counts = 1 + -(-np.maximum(tokens.context_lengths - room, 0) // step)
    question = np.repeat(np.arange(len(counts)), counts)
    first = (np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)) * step[question]
    length = np.minimum(tokens.context_lengths[question] - first, room[question])
    asked = asked[question]
    told = np.full((len(counts), 2), -1) if spans is None else spans
    start, end = (told[question] - first[:, None]).T
    some = (told[question, 0] >= 0) & (end >= 0) & (start < length)
    whole = some & (start >= 0) & (end < length)
    start, end = (np.where(whole, place + asked + 2, 0) for place in (start, end))
    return Windows(question, first, asked, length, start, end, some & ~whole)


@dataclass
class QAExamples:
    """Windows of questions, a map-style dataset of dicts.

    - `input_ids`: `[CLS] question [SEP] window of the context [SEP]`, (seq,) int32
    - `context_start`: position of the first token of the context
    - `start_position`, `end_position`: of the answer, 0 (`[CLS]`) where the window holds none
    - `counts`: whether it counts in the loss
    """

    tokens: TokenizedQuestions
    windows: Windows
    cls_token_id: int
    sep_token_id: int
    counted: np.ndarray | None = None
    """(windows,) bool: those that count in the loss; none means all."""

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, key: Key) -> dict[str, Any]:
        _, index, counts = key if isinstance(key, tuple) else (0, int(key), True)
        windows = self.windows
        number, asked, first = (int(values[index]) for values in (windows.question, windows.asked, windows.first_token))
        question = self.tokens.question(number)[:asked]
        context = self.tokens.context(number)[first : first + int(windows.length[index])]
        cls, sep = np.array([self.cls_token_id], np.int32), np.array([self.sep_token_id], np.int32)
        return {
            "input_ids": np.concatenate([cls, question, sep, context, sep]),
            "context_start": asked + 2,
            "start_position": int(windows.start[index]),
            "end_position": int(windows.end[index]),
            "counts": counts and (self.counted is None or bool(self.counted[index])),
        }

    def true_ones(self, missing: np.ndarray) -> np.ndarray:
        """Return which windows say what is true, (windows,) bool.

        A window that cuts an answer is neither one with an answer nor one without. Nor do those of a question tell
        anything whose answer no window holds whole, or whose answer is missing from the context.

        Args:
            missing: (questions,) bool, whose answers are not where they are said to be.
        """
        windows, count = self.windows, len(self.tokens)
        found, cut = (
            np.bincount(windows.question, weights=one, minlength=count) > 0 for one in (windows.start > 0, windows.cuts)
        )
        return ~windows.cuts & ~(missing | (cut & ~found))[windows.question]

    def to_learn_from(self, missing: np.ndarray) -> "QAExamples":
        """Return the windows of `true_ones` alone."""
        return replace(self, windows=self.windows.take(self.true_ones(missing)))

    def to_score(self, missing: np.ndarray) -> "QAExamples":
        """Return all windows, to answer from; those that are not of `true_ones` do not count in the loss."""
        return replace(self, counted=self.true_ones(missing))
