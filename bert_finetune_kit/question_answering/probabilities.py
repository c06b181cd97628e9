"""Scores of spans → calibrated probabilities of answers and of no answer, in numpy alone.

Shapes: questions is the number of questions, n_best the spans kept of each.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..calibration.probabilities import sigmoid, softmax
from .question_spans import QuestionSpans

ANSWERS, NO_ANSWER = "answers", "no_answer"
"""Names of the temperatures."""


def probabilities(spans: QuestionSpans, temperatures: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of the n best spans and, last, of no answer; and that of no answer by itself.

    Where a temperature for no answer was fitted, both of no answer are the same, and the spans share the rest. Without
    one they are those of `QuestionSpans`, the first divided by the temperature of answers.

    Args:
        spans: of the questions.
        temperatures: those that were fitted, by name.

    Returns:
        (questions, n_best + 1), and (questions,).
    """
    answers = temperatures.get(ANSWERS, 1.0)
    if NO_ANSWER not in temperatures:
        scaled = replace(spans, scores=spans.scores / answers, null=spans.null / answers)
        return scaled.probabilities(), spans.no_answer
    exists = np.isfinite(spans.scores[:, 0])
    no_answer = np.where(exists, sigmoid(no_answer_odds(spans) / temperatures[NO_ANSWER]), 1.0)
    scores = np.where(exists[:, None], spans.scores, 0.0).astype(np.float64)
    shares = softmax(scores / answers) * (1 - no_answer)[:, None]
    return np.column_stack([shares, no_answer]), no_answer


def no_answer_odds(spans: QuestionSpans) -> np.ndarray:
    """Return the log-odds of no answer against the best span, (questions,)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(spans.null.astype(np.float64) - spans.scores[:, 0])
