"""Questions and their contexts → windows of tokens that fit the model."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
    with quiet_datasets():
        return rows.map(
            _encode,
            batched=True,
            fn_kwargs={"backend": backend},
            remove_columns=["text"],
            features=_TOKENS,
            new_fingerprint=Hasher.hash(["questions", 1, rows._fingerprint, backend.to_str()]),
        )


def _encode(batch: dict[str, list[str]], backend: Any) -> dict[str, list[np.ndarray]]:
    encodings = backend.encode_batch(batch["text"], add_special_tokens=False)
    offsets = [np.array(encoding.offsets, np.int32).reshape(-1, 2) for encoding in encodings]
    return {
        "input_ids": [np.array(encoding.ids, np.int32) for encoding in encodings],
        "starts": [pairs[:, 0] for pairs in offsets],
        "ends": [pairs[:, 1] for pairs in offsets],
    }


@dataclass
class QAExamples:
    """Windows of questions, a map-style dataset of dicts.

    - `input_ids`: `[CLS] question [SEP] window of the context [SEP]`, (seq,) int32
    - `context_start`: position of the first token of the context
    - `start_position`, `end_position`: of the answer, 0 (`[CLS]`) where the window holds none
    - `counts`: whether it counts in the loss
    """

    tokens: TokenizedQuestions
    config: QAConfig
    cls_token_id: int
    sep_token_id: int
    spans: np.ndarray | None = None
    """(questions, 2) int: first and last token of the answer in the context; -1 where there is none."""
    left_out: frozenset[int] = frozenset()
    """Numbers of questions that give no window: their answer is not where it is said to be."""

    def __len__(self) -> int:
        return len(self.question_of)

    def __getitem__(self, key: Key) -> dict[str, Any]:
        _, index, counts = key if isinstance(key, tuple) else (0, int(key), True)
        number, first = int(self.question_of[index]), int(self.first_token[index])
        question = self.tokens.question(number)[: self.config.max_question_length]
        context = self.tokens.context(number)[first : first + self._room(len(question))]
        cls, sep = np.array([self.cls_token_id], np.int32), np.array([self.sep_token_id], np.int32)
        start, end = self.positions(index)
        return {
            "input_ids": np.concatenate([cls, question, sep, context, sep]),
            "context_start": len(question) + 2,
            "start_position": start,
            "end_position": end,
            "counts": counts,
        }

    def positions(self, index: int) -> tuple[int, int]:
        """Return where the answer lies in a window; (0, 0) where it is not wholly inside."""
        number = int(self.question_of[index])
        if self.spans is None or self.spans[number, 0] < 0:
            return 0, 0
        start, end = self.spans[number] - self.first_token[index]
        asked = min(int(self.tokens.question_lengths[number]), self.config.max_question_length)
        if start < 0 or end >= self._room(asked):
            return 0, 0
        return int(start) + asked + 2, int(end) + asked + 2

    @property
    def question_of(self) -> np.ndarray:
        """Number of the question of each window, (windows,) int64, rising."""
        return self._windows[0]

    @property
    def first_token(self) -> np.ndarray:
        """Number of the first token of the context in each window, (windows,) int64."""
        return self._windows[1]

    def _room(self, asked: int) -> int:
        return self.config.max_length - asked - 3

    @cached_property
    def _windows(self) -> tuple[np.ndarray, np.ndarray]:
        asked = np.minimum(self.tokens.question_lengths, self.config.max_question_length)
        room = self.config.max_length - asked - 3
        step = room - self.config.doc_stride
        over = np.maximum(self.tokens.context_lengths - room, 0)
        counts = 1 + -(-over // step)
        counts[list(self.left_out)] = 0
        question = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)
        return question, place * step[question]


def answer_spans(rows: Dataset, tokens: TokenizedQuestions) -> tuple[np.ndarray, AnswerCheck]:
    """Return the tokens of the first answer of each question that stands in its context.

    Returns:
        (questions, 2) int, first and last token in the context, -1 where there is no answer; and what was found. The
        questions of `AnswerCheck.missing` have answers that are not there: they must not be learnt as unanswerable.
    """
    check = AnswerCheck()
    spans = np.full((len(rows), 2), -1)
    for number, row in enumerate(rows):
        answers = row["answers"]
        if not answers["text"]:
            continue
        found = check.first_span(row["id"], row["context"], answers["text"], answers["answer_start"])
        if found is not None:
            span = to_tokens(*tokens.offsets(number), *found)
            if span is None:
                check.missing.append(row["id"])
            else:
                spans[number] = span
    return spans, check
