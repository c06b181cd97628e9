"""Questions and their contexts → windows of tokens that fit the model."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from datasets import Dataset

from ..compat.datasets import arrow_column
from ..data.digest import column_digest, digest
from ..data.examples import Key, split_key
from ..data.sequences import SequenceFormat
from ..errors import ConfigError
from .answers import AnswerCheck, to_tokens
from .config import QAConfig
from .tokens import TokenizedQuestions


def answer_spans(rows: Dataset, tokens: TokenizedQuestions) -> tuple[np.ndarray, AnswerCheck]:
    """Return the tokens of the first answer of each question that is in its context.

    Returns:
        (questions, 2) int, first and last token in the context, -1 where there is no answer; and counts of the answers.
        The questions of `AnswerCheck.missing` have answers that are not in the context: they must not be trained on
        as unanswerable.
    """
    check = AnswerCheck()
    spans = np.full((len(rows), 2), -1)
    columns = (rows[name] for name in ("id", "context", "answers"))
    for number, (question_id, context, answers) in enumerate(zip(*columns, strict=True)):
        if not answers["text"]:
            continue
        characters = check.first_span(question_id, context, answers["text"], answers["answer_start"])
        span = None if characters is None else to_tokens(*tokens.offsets(number), *characters)
        if span is not None:
            spans[number] = span
        elif characters is not None:
            check.missing.append(question_id)
    return spans, check


@dataclass(frozen=True)
class Windows:
    """Positions of windows in their contexts, and of the answers in them; each field but the last is (windows,)."""

    question: np.ndarray
    """int: number of the question, rising."""
    first_token: np.ndarray
    """int: number of the window's first token in the context."""
    question_length: np.ndarray
    """int: tokens of the question in the window."""
    length: np.ndarray
    """int: tokens of the context in the window."""
    start: np.ndarray
    """int: position of the first token of the answer; 0 (`[CLS]`, `<s>`) where the window lacks a part of it."""
    end: np.ndarray
    """int: position of the last token of the answer, or 0."""
    cuts: np.ndarray
    """bool: whether the window contains only a part of the answer."""
    format: SequenceFormat
    """Of question and context."""

    def __len__(self) -> int:
        return len(self.question)

    def take(self, chosen: np.ndarray) -> "Windows":
        """Return some of the windows."""
        arrays = {field.name: getattr(self, field.name)[chosen] for field in fields(self) if field.name != "format"}
        return replace(self, **arrays)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sequence with special tokens, (windows,) int64."""
        return self.question_length + self.length + self.format.special_tokens

    @property
    def shift(self) -> np.ndarray:
        """What to add to a position in the window to get the number of the token in the context, (windows,) int."""
        return self.first_token - self.question_length - self.format.second_text


def build_windows(
    tokens: TokenizedQuestions, config: QAConfig, format: SequenceFormat, spans: np.ndarray | None = None
) -> Windows:
    """Return the windows of all questions, which cover their contexts; neighbours share `doc_stride` tokens.

    Args:
        tokens: questions and contexts.
        config: lengths.
        format: of question and context.
        spans: first and last token of each answer, (questions, 2), -1 where there is none; none means no answers.

    Raises:
        ConfigError: a window has no room for a part of the context that the window before lacks.
    """
    lengths = np.minimum(tokens.question_lengths, config.max_question_length)
    max_tokens = config.max_length - lengths - format.special_tokens  # of the context in a window
    step = max_tokens - config.doc_stride
    if len(step) and step.min() < 1:
        raise ConfigError(
            f"A question of {lengths.max()} tokens and {format.special_tokens} special tokens leave too few of the "
            f"{config.max_length} of max_length for windows that share {config.doc_stride}: raise max_length, or lower "
            "doc_stride or max_question_length."
        )
    counts = 1 + -(-np.maximum(tokens.context_lengths - max_tokens, 0) // step)
    question = np.repeat(np.arange(len(counts)), counts)
    first = (np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)) * step[question]
    length = np.minimum(tokens.context_lengths[question] - first, max_tokens[question])
    question_length = lengths[question]
    answers = np.full((len(counts), 2), -1) if spans is None else spans
    start, end = (answers[question] - first[:, None]).T
    overlaps = (answers[question, 0] >= 0) & (end >= 0) & (start < length)
    contains = overlaps & (start >= 0) & (end < length)
    start = np.where(contains, start + question_length + format.second_text, 0)
    end = np.where(contains, end + question_length + format.second_text, 0)
    return Windows(question, first, question_length, length, start, end, overlaps & ~contains, format)


@dataclass
class QAExamples:
    """Windows of questions, a map-style dataset of dicts.

    - `input_ids`: question and window of the context with special tokens, (seq,) int32
    - `context_start`: position of the first token of the context
    - `visible`: which tokens of the context hold more than white space, (context tokens,) bool
    - `start_position`, `end_position`: of the answer, 0 (`[CLS]`, `<s>`) where the window contains none
    - `in_loss`: whether it is in the loss
    """

    tokens: TokenizedQuestions
    windows: Windows
    in_loss: np.ndarray | None = None
    """(windows,) bool: those that are in the loss; none means all."""
    references: str = ""
    """Hash of articles, contexts and accepted answers, by which predictions are scored; empty for training."""

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, key: Key) -> dict[str, Any]:
        _, index, in_loss = split_key(key)
        windows = self.windows
        number, length = int(windows.question[index]), int(windows.question_length[index])
        first = int(windows.first_token[index])
        question = self.tokens.question(number)[:length]
        window = slice(first, first + int(windows.length[index]))
        context, (starts, ends) = self.tokens.context(number)[window], self.tokens.offsets(number)
        return {
            "input_ids": windows.format.join(question, context),
            "context_start": length + windows.format.second_text,
            "visible": starts[window] < ends[window],
            "start_position": int(windows.start[index]),
            "end_position": int(windows.end[index]),
            "in_loss": in_loss and (self.in_loss is None or bool(self.in_loss[index])),
        }

    def digest(self) -> str:
        """Return a hash of all questions, contexts and answers, and of the references of their scores."""
        tokens, windows = self.tokens, self.windows
        columns = (column_digest(arrow_column(rows, "input_ids")) for rows in (tokens.questions, tokens.contexts))
        numbers = (tokens.context_of, windows.question, windows.first_token, windows.start, windows.end)
        references = np.frombuffer(self.references.encode(), np.uint8)
        return " ".join([*columns, digest([*numbers, references])])

    def valid_windows(self, missing: np.ndarray) -> np.ndarray:
        """Return which windows are correct examples, (windows,) bool.

        A window that cuts an answer is an example neither of an answer nor of no answer. The same is true of all
        windows of a question whose answer no window contains, or whose answer is missing from the context.

        Args:
            missing: (questions,) bool, whose answers are not in their context.
        """
        windows, count = self.windows, len(self.tokens)
        contained = np.bincount(windows.question, weights=windows.start > 0, minlength=count) > 0
        cut = np.bincount(windows.question, weights=windows.cuts, minlength=count) > 0
        return ~windows.cuts & ~(missing | (cut & ~contained))[windows.question]

    def for_training(self, missing: np.ndarray) -> "QAExamples":
        """Return the valid windows alone."""
        return replace(self, windows=self.windows.take(self.valid_windows(missing)))

    def for_eval(self, missing: np.ndarray, references: str) -> "QAExamples":
        """Return all windows, to predict from; only the valid ones are in the loss.

        Args:
            missing: (questions,) bool, whose answers are not in their context.
            references: hash of what predictions are scored by.
        """
        return replace(self, in_loss=self.valid_windows(missing), references=references)
