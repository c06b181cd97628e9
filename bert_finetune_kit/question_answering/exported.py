"""An exported model for question answering at work, without torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..exported.arguments import NOT_HERE, cells_of, check_counts, rows_of
from ..exported.encoder import ExportedEncoder, token_ids
from ..exported.optional import FILES, optional_module, predict_file, selection_of
from ..inference.choices import Choices, choose
from ..keywords import checks_settings
from .offsets import characters_of, trimmed_offsets
from .predictions import EMPTY, Answer, SpanPredictions, decode, question_texts, refuse, to_answers, to_row
from .question_spans import WindowSpans, best_window_spans
from .windows import Windows, build_windows

_COLUMNS = ("question", "context")


@dataclass(frozen=True)
class Search:
    """Lengths and search of spans, as in `QAConfig`."""

    max_length: int
    doc_stride: int
    max_question_length: int
    n_best: int
    max_answer_length: int


@dataclass(frozen=True)
class EncodedQuestions:
    """Token ids of questions and of their contexts, each context once."""

    questions: list[np.ndarray]
    contexts: list[np.ndarray]
    offsets: list[np.ndarray]
    """Of the tokens of each context, (tokens, 2)."""
    context_of: np.ndarray
    """(questions,) int: number of the context of each question."""

    def __len__(self) -> int:
        return len(self.questions)

    @cached_property
    def question_lengths(self) -> np.ndarray:
        """Tokens of each question, (questions,) int64."""
        return np.array([len(ids) for ids in self.questions])

    @cached_property
    def context_lengths(self) -> np.ndarray:
        """Tokens of the context of each question, (questions,) int64."""
        return np.array([len(ids) for ids in self.contexts])[self.context_of]

    def characters(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the characters of spans of tokens in their contexts: the first, and the one after the last."""
        lengths = np.array([len(ids) for ids in self.contexts])
        places = np.concatenate([*self.offsets, np.zeros((1, 2), np.int32)])
        return characters_of(lengths, places[:, 0], places[:, 1], self.context_of, first, last)


@dataclass(frozen=True)
class ReadQuestions:
    """What a model says of questions, before any decision to abstain."""

    predictions: SpanPredictions
    spans: WindowSpans
    logits: list[np.ndarray]
    """Of the starts and ends of each window, (2, seq) float32."""


@checks_settings(reasons=NOT_HERE)
class ExportedReader:
    """A model for question answering that was exported, loaded by `load_exported`."""

    def __init__(self, encoder: ExportedEncoder) -> None:
        use = encoder.settings.use
        self.encoder, self.settings = encoder, encoder.settings
        self.threshold = float(use["threshold"])
        """Probability of no answer above which the model abstains."""
        self.search = Search(**use["search"])
        self._temperatures: Mapping[str, float] = use["temperatures"]
        self._basis = encoder.settings.threshold_basis

    def __repr__(self) -> str:
        return self.encoder.named(type(self))

    def predict(
        self, inputs: Any = None, context: Any = None, *, question: Any = None, batch_size: int = 16,
        coverage: float | None = None, max_risk: float | None = None,
    ) -> Any:  # fmt: skip
        """Return an `Answer`, or a list of them where there is not one question alone; nothing for an empty list.

        The answer to an empty question has the text None and no spans; one that is `refused` has the text None.

        Args:
            inputs: with `context`, a question or a list of them; alone, a list of dicts or a DataFrame with question
                and context, or a list of pairs.
            context: the text to find the answer in, of any length; one for all questions, or a list with one for each.
            question: the questions by name, in place of `inputs`.
            batch_size: windows that the model reads at once.
            coverage: share of the answers and abstentions to keep; the least sure ones are refused.
            max_risk: greatest share of the kept ones that may be wrong, in place of `coverage`.

        Raises:
            DataError: it is none of these.
            ConfigError: `batch_size` is not a whole number from 1 up, or what is asked for cannot be had.
        """
        check_counts(batch_size=batch_size)
        choices = choose(self._basis, coverage, max_risk)
        if question is None and context is not None:
            inputs, question = None, inputs
        answers = self.answer_texts(*to_questions(inputs, question, context), batch_size, choices)
        return answers[0] if isinstance(question, str) else answers

    def predict_file(
        self, path: str | Path, output: str | Path, *, batch_size: int = 16, column_names: Sequence[str] | None = None,
        encoding: str | None = None, coverage: float | None = None, max_risk: float | None = None,
    ) -> Path:  # fmt: skip
        """Answer every question of a file and write the answers, as `predict_file` of the recipe does.

        Args:
            path: .csv, .tsv, .jsonl, .parquet or .json, or .gz of these.
            output: .csv or .jsonl; it must not exist.
            batch_size: as of `predict`.
            column_names: names of the columns, for .csv and .tsv files without a header line.
            encoding: of a file of text, such as "latin-1"; none means UTF-8, or what a byte order mark says.
            coverage: as of `predict`; rows then have a column `refused`.
            max_risk: the same.

        Returns:
            The path of the output.

        Raises:
            ConfigError: a package is not installed, or as of `predict`.
            DataError: the file cannot be read, or lacks a column.
            OutputError: the output exists or cannot be written.
        """
        check_counts(batch_size=batch_size)
        choices = choose(self._basis, coverage, max_risk)
        to_answer = optional_module("data.question_rows", FILES, "predict_file()").to_answer

        def predict_rows(rows: Sequence[Mapping[str, Any]], _: Sequence[str]) -> list[dict[str, Any]]:
            questions = list(to_answer(rows, "the file"))
            asked, contexts = ([row[name] for row in questions] for name in _COLUMNS)
            answers = self.answer_texts(asked, contexts, batch_size, choices)
            return [to_row(*pair, choices) for pair in zip(questions, answers, strict=True)]

        settings = {"column_names": column_names, "encoding": encoding}
        return predict_file(self.encoder, path, output, predict_rows, _COLUMNS, choices, batch_size, settings)

    def selection(self, *, coverage: float | None = None, max_risk: float | None = None) -> Any:
        """Return which answers to refuse, as `selection` of the recipe does; `print` says what that is worth.

        Args:
            coverage: share of the answers and abstentions to keep, or
            max_risk: greatest share of the kept ones that may be wrong.

        Raises:
            ConfigError: neither or both are given, it cannot be had, or scipy is not installed.
        """
        return selection_of(self.settings, coverage, max_risk)

    def answer_texts(
        self, questions: Sequence[str], contexts: Sequence[str], batch_size: int, choices: Choices
    ) -> list[Answer]:
        """Return the answer to each question, `EMPTY` for empty ones.

        Args:
            questions: any number.
            contexts: of each question.
            batch_size: windows that the model reads at once.
            choices: which answers to refuse.
        """
        usable = [number for number, text in enumerate(questions) if text.strip()]
        answers = [EMPTY] * len(questions)
        if usable:
            given = [questions[number] for number in usable], [contexts[number] for number in usable]
            found = to_answers(self.read(*given, batch_size).predictions, self.threshold, self._temperatures)
            for number, answer in zip(usable, refuse(found, choices.selection), strict=True):
                answers[number] = answer
        return answers

    def read(self, questions: Sequence[str], contexts: Sequence[str], batch_size: int = 16) -> ReadQuestions:
        """Return the best spans of questions that are not empty.

        Args:
            questions: one or more.
            contexts: of each question.
            batch_size: windows that the model reads at once.
        """
        tokens = self._encode(questions, contexts)
        windows = build_windows(tokens, self.search, self.settings.pair)
        sequences = [self._sequence(tokens, windows, number) for number in range(len(windows))]
        shape = (len(windows), self.search.n_best)
        spans = WindowSpans(
            np.zeros(shape, np.float32), np.zeros(shape, int), np.zeros(shape, int), np.zeros(shape[0], np.float32)
        )
        logits: list[np.ndarray] = [np.full((2, length), np.nan, np.float32) for length in windows.lengths.tolist()]
        for indices, feeds, outputs in self.encoder.run(sequences, self.settings.pair, batch_size):
            # An answer cannot begin in the padding.
            padding = feeds["attention_mask"] == 0
            start, end = (
                np.where(padding, np.float32(-np.inf), outputs[name]) for name in ("start_logits", "end_logits")
            )
            mask = self._context_mask(tokens, windows, indices, padding.shape[1])
            best = best_window_spans(start, end, mask, self.search.n_best, self.search.max_answer_length)
            for name, values in vars(best).items():
                getattr(spans, name)[indices] = values
            for row, index in enumerate(indices.tolist()):
                length = int(windows.lengths[index])
                logits[index] = np.stack([start[row, :length], end[row, :length]])
        return ReadQuestions(decode(spans, windows, tokens, contexts), spans, logits)

    def _encode(self, questions: Sequence[str], contexts: Sequence[str]) -> EncodedQuestions:
        numbers: dict[str, int] = {}
        context_of = np.array([numbers.setdefault(text, len(numbers)) for text in contexts])
        encodings = self.encoder.encode(list(numbers))
        offsets = [
            trimmed_offsets(text, np.array(encoding.offsets, np.int32))
            for text, encoding in zip(numbers, encodings, strict=True)
        ]
        return EncodedQuestions(token_ids(self.encoder.encode(questions)), token_ids(encodings), offsets, context_of)

    def _sequence(self, tokens: EncodedQuestions, windows: Windows, number: int) -> tuple[np.ndarray, int]:
        question, length = int(windows.question[number]), int(windows.question_length[number])
        context = tokens.contexts[tokens.context_of[question]][_part(windows, number)]
        ids = self.settings.pair.join(tokens.questions[question][:length], context)
        return ids, length + self.settings.pair.second_text

    def _context_mask(self, tokens: EncodedQuestions, windows: Windows, chosen: np.ndarray, length: int) -> np.ndarray:
        """Return the tokens that an answer may begin or end with, those of more than white space, (batch, seq) bool."""
        mask = np.zeros((len(chosen), length), bool)
        for row, number in enumerate(chosen.tolist()):
            start = int(windows.question_length[number]) + self.settings.pair.second_text
            places = tokens.offsets[tokens.context_of[windows.question[number]]][_part(windows, number)]
            mask[row, start : start + len(places)] = places[:, 0] < places[:, 1]
        return mask


def _part(windows: Windows, number: int) -> slice:
    """Return the tokens of a window in its context."""
    first = int(windows.first_token[number])
    return slice(first, first + int(windows.length[number]))


def to_questions(inputs: Any, question: Any, context: Any) -> tuple[list[str], list[str]]:
    """Return the questions and contexts of the inputs of `predict`.

    Args:
        inputs: a list of dicts or a DataFrame with question and context, or a list of pairs; or none.
        question: a question or a list of them.
        context: the context of all, or a list with one for each question.

    Raises:
        DataError: it is none of these, or a question or context is not a text.
    """
    if inputs is not None:
        if question is not None or context is not None:
            raise DataError("Give rows of questions, or question= and context=: not both.")
        if isinstance(inputs, str | Mapping) or not isinstance(inputs, Iterable):
            raise DataError(
                f"predict() of an exported model does not accept a {type(inputs).__name__}: give question and context, "
                "a list of pairs, or a list of dicts with question and context."
            )
        pairs = [_pair(row) for row in rows_of(inputs)]
        question, context = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return question_texts(question, context)


def _pair(row: Any) -> tuple[Any, Any]:
    if isinstance(row, Mapping):
        question, context = cells_of(row, _COLUMNS)
        return question, context
    if isinstance(row, tuple | list) and len(row) == 2:
        return row[0], row[1]
    raise DataError(f"{row!r} is not a pair of a question and a context.")
