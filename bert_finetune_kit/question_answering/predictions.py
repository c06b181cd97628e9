"""The best spans of questions as texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .examples import Windows
from .spans import QuestionSpans, WindowSpans, merge_windows
from .tokens import TokenizedQuestions


@dataclass(frozen=True)
class SpanPredictions:
    """The best spans of questions as texts, before any decision to abstain."""

    contexts: Sequence[str]
    """Context of each question."""
    spans: QuestionSpans
    begin: np.ndarray
    """(questions, n_best) int: first character of each span in its context."""
    end: np.ndarray
    """(questions, n_best) int: the character after its last."""
    non_finite_windows: int = 0
    """Windows with NaN or infinite logits, which are skipped."""

    def text(self, question: int, rank: int = 0) -> str:
        """Return a span as it is in its context; an empty text where there is none."""
        if not np.isfinite(self.spans.scores[question, rank]):
            return ""
        return self.contexts[question][self.begin[question, rank] : self.end[question, rank]]

    @property
    def texts(self) -> list[str]:
        """The best span of each question."""
        columns = np.isfinite(self.spans.scores[:, 0]), self.begin[:, 0], self.end[:, 0]
        spans = zip(self.contexts, *(column.tolist() for column in columns), strict=True)
        return [context[begin:end] if exists else "" for context, exists, begin, end in spans]


def decode(
    outputs: WindowSpans, windows: Windows, tokens: TokenizedQuestions, contexts: Sequence[str]
) -> SpanPredictions:
    """Turn the spans of windows into those of questions.

    Args:
        outputs: spans of each window.
        windows: their positions.
        tokens: of the questions.
        contexts: text of the context of each question.
    """
    non_finite = ~np.isfinite(outputs.null) | np.isnan(outputs.scores).any(1)
    if non_finite.any():
        scores = np.where(non_finite[:, None], -np.inf, outputs.scores)
        outputs = WindowSpans(scores, outputs.starts, outputs.ends, np.where(non_finite, np.inf, outputs.null))
    spans = merge_windows(outputs, windows.question, windows.shift, len(tokens))
    spans.null[np.isinf(spans.null)] = 0.0  # no finite window: no answer
    exists = np.isfinite(spans.scores)
    begin, end = tokens.characters(np.where(exists, spans.starts, 0), np.where(exists, spans.ends, 0))
    return SpanPredictions(contexts, spans, begin, end, int(non_finite.sum()))
