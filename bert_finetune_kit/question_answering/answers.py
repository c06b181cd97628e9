"""Position of an answer in its context: in characters, verified in the text, and in tokens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Match = Literal["exact", "repaired", "missing"]


def locate(context: str, text: str, start: int) -> tuple[int, int, Match]:
    """Return where an answer is in its context, (start, end) in characters, and how it was matched.

    An answer may also begin before or after `start`, with white space alone in between.

    >>> locate("at  six\\tsharp", "six sharp", 3)
    (4, 13, 'repaired')
    """
    if start < 0:  # in some data sets: position unknown; Python would count from the end
        return start, start, "missing"
    text = text.strip()
    if text and context[start : start + len(text)] == text:
        return start, start + len(text), "exact"
    words = text.split()
    if words:
        pattern = re.compile(r"\s+".join(map(re.escape, words)))
        matches = sorted(pattern.finditer(context), key=lambda match: abs(match.start() - start))
        near = [
            match for match in matches if not context[min(match.start(), start) : max(match.start(), start)].strip()
        ]
        if near:
            return near[0].start(), near[0].end(), "repaired"
    return start, start, "missing"


def to_tokens(token_starts: np.ndarray, token_ends: np.ndarray, start: int, end: int) -> tuple[int, int] | None:
    """Return the first and the last token that share characters with (start, end); none where no token does.

    Args:
        token_starts: first character of each token, (tokens,).
        token_ends: the character after its last, (tokens,).
        start: first character of the answer.
        end: the character after its last.
    """
    first = int(np.searchsorted(token_ends, start, side="right"))
    last = int(np.searchsorted(token_starts, end, side="left")) - 1
    return (first, last) if first <= last else None


@dataclass
class AnswerCheck:
    """Counts of the answers of a split by how they match their context."""

    exact: int = 0
    """Answers at their `answer_start`."""
    repaired: int = 0
    """Answers that differ from the context, or from their `answer_start`, by white space alone."""
    elsewhere: int = 0
    """Answers that are not in their context near their `answer_start`."""
    missing: list[str] = field(default_factory=list)
    """Ids of questions without any answer at its `answer_start`."""

    def first_span(
        self, question_id: str, context: str, texts: Sequence[str], starts: Sequence[int]
    ) -> tuple[int, int] | None:
        """Return the first answer of a question that is in its context, and count them all.

        Args:
            question_id: of the question.
            context: its context.
            texts: its answers, at least one.
            starts: `answer_start` of each.
        """
        first = None
        for text, start in zip(texts, starts, strict=True):
            begin, end, match = locate(context, text, start)
            self.exact += match == "exact"
            self.repaired += match == "repaired"
            self.elsewhere += match == "missing"
            if first is None and match != "missing":
                first = begin, end
        if first is None:
            self.missing.append(question_id)
        return first
