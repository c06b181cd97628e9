"""Windows of questions and their contexts as examples."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from datasets import Dataset

from ..compat.datasets import arrow_column
from ..data.digest import column_digest, digest
from ..data.examples import Key, split_key
from .answers import AnswerCheck, to_tokens
from .tokens import TokenizedQuestions
from .windows import Windows


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
