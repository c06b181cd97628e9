"""Questions and their contexts → positions of windows that fit the model, in numpy alone."""

from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np

from ..data.sequences import SequenceFormat
from ..errors import ConfigError


class Lengths(Protocol):
    """Lengths of windows, as `QAConfig` has them."""

    @property
    def max_length(self) -> int:
        """Of a sequence, in tokens."""

    @property
    def doc_stride(self) -> int:
        """Tokens of the context that neighbours share."""

    @property
    def max_question_length(self) -> int:
        """Of a question, in tokens."""


class TokenCounts(Protocol):
    """How many tokens questions and contexts have."""

    @property
    def question_lengths(self) -> np.ndarray:
        """(questions,) int64."""

    @property
    def context_lengths(self) -> np.ndarray:
        """Of the context of each question, (questions,) int64."""


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
    tokens: TokenCounts, config: Lengths, format: SequenceFormat, spans: np.ndarray | None = None
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
