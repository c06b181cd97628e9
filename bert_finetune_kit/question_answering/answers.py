"""Where an answer lies in its context: in characters as told, checked, and in tokens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Found = Literal["exact", "repaired", "missing"]


def locate(context: str, text: str, start: int) -> tuple[int, int, Found]:
    """Return where an answer stands in its context, (start, end) in characters.

    An answer that is not where it is said to be is looked for where white space alone differs, as near as there is.

    >>> locate("at  six\\tsharp", "six sharp", 3)
    (4, 13, 'repaired')
    """
    if start < 0:  # which stands for "somewhere" in some data sets, and counts from the end in Python
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
    """What was found of the answers of a split."""

    exact: int = 0
    """Answers that stand where they are said to."""
    repaired: int = 0
    """Answers that stand there but for white space."""
    elsewhere: int = 0
    """Answers that do not."""
    missing: list[str] = field(default_factory=list)
    """Ids of questions of which no answer stands where it is said to."""

    def first_span(self, one: str, context: str, texts: Sequence[str], starts: Sequence[int]) -> tuple[int, int] | None:
        """Return the first answer of a question that stands in its context, and count them all.

        Args:
            one: id of the question.
            context: its context.
            texts: its answers, at least one.
            starts: where each is said to start.
        """
        first = None
        for text, start in zip(texts, starts, strict=True):
            begin, end, found = locate(context, text, start)
            self.exact += found == "exact"
            self.repaired += found == "repaired"
            self.elsewhere += found == "missing"
            if first is None and found != "missing":
                first = begin, end
        if first is None:
            self.missing.append(one)
        return first
