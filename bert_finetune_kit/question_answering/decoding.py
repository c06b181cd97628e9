"""Outputs of the model → what it says of each question, before it is decided whether to say it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .features import TokenizedQuestions, Windows
from .postprocess import QuestionSpans, WindowSpans, merge_windows


@dataclass(frozen=True)
class Told:
    """The best spans of questions as texts."""

    contexts: Sequence[str]
    """Context of each question."""
    spans: QuestionSpans
    begin: np.ndarray
    """(questions, n_best) int: first character of each span in its context."""
    end: np.ndarray
    """(questions, n_best) int: the character after its last."""
    broken: int = 0
    """Windows of which the model says NaN or infinity; they take no part."""

    def text(self, question: int, place: int = 0) -> str:
        """Return a span as it stands in its context; nothing where there is none."""
        if not np.isfinite(self.spans.scores[question, place]):
            return ""
        return self.contexts[question][self.begin[question, place] : self.end[question, place]]

    @property
    def texts(self) -> list[str]:
        """The best span of each question."""
        columns = np.isfinite(self.spans.scores[:, 0]), self.begin[:, 0], self.end[:, 0]
        places = zip(self.contexts, *(column.tolist() for column in columns), strict=True)
        return [context[begin:end] if some else "" for context, some, begin, end in places]


def decode(outputs: WindowSpans, windows: Windows, tokens: TokenizedQuestions, contexts: Sequence[str]) -> Told:
    """Turn the spans of windows into those of questions.

    Args:
        outputs: what the model says of each window.
        windows: where they lie.
        tokens: of the questions.
        contexts: text of the context of each question.
    """
    broken = ~np.isfinite(outputs.null) | np.isnan(outputs.scores).any(1)
    if broken.any():
        scores = np.where(broken[:, None], -np.inf, outputs.scores)
        outputs = WindowSpans(scores, outputs.starts, outputs.ends, np.where(broken, np.inf, outputs.null))
    spans = merge_windows(outputs, windows.question, windows.shift, len(tokens))
    spans.null[np.isinf(spans.null)] = 0.0  # nothing but broken windows: no answer
    none = ~np.isfinite(spans.scores)
    begin, end = tokens.characters(np.where(none, 0, spans.starts), np.where(none, 0, spans.ends))
    return Told(contexts, spans, begin, end, int(broken.sum()))
