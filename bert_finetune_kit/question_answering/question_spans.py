"""The best spans of windows → those of questions, in numpy alone.

Shapes: windows is the number of sequences, seq their length, n_best the spans kept of each window and question.
"""

from dataclasses import dataclass

import numpy as np

from ..calibration.probabilities import sigmoid, softmax


@dataclass(frozen=True)
class WindowSpans:
    """The best spans of each window, the best first, and the score of no answer in it."""

    scores: np.ndarray
    """(windows, n_best) float: start logit + end logit; -inf where a window has fewer spans."""
    starts: np.ndarray
    """(windows, n_best) int: position of the first token."""
    ends: np.ndarray
    """(windows, n_best) int: position of the last token."""
    null: np.ndarray
    """(windows,) float: start logit + end logit of `[CLS]`."""


def best_window_spans(
    start_logits: np.ndarray, end_logits: np.ndarray, context: np.ndarray, n_best: int, max_answer_length: int
) -> WindowSpans:
    """Return the best spans of each window, as `spans.best_spans` does of tensors.

    Args:
        start_logits: (windows, seq) float32.
        end_logits: (windows, seq) float32.
        context: (windows, seq) bool, the tokens that an answer may begin or end with.
        n_best: number of starts, of ends, and of spans kept.
        max_answer_length: longest answer in tokens.
    """
    kept = min(n_best, start_logits.shape[1])
    starts, ends = largest_columns(start_logits, kept), largest_columns(end_logits, kept)
    first, last = (
        np.where(np.take_along_axis(context, columns, 1), np.take_along_axis(logits, columns, 1), np.float32(-np.inf))
        for logits, columns in ((start_logits, starts), (end_logits, ends))
    )
    lengths = ends[:, None, :] - starts[:, :, None]  # (windows, starts, ends), less one
    scores = first[:, :, None] + last[:, None, :]
    scores[(lengths < 0) | (lengths >= max_answer_length)] = -np.inf
    scores = scores.reshape(len(scores), -1)
    chosen = largest_columns(scores, min(n_best, kept * kept))
    best = np.take_along_axis(scores, chosen, 1)
    order = np.argsort(-best, axis=1, kind="stable")
    chosen, best = np.take_along_axis(chosen, order, 1), np.take_along_axis(best, order, 1)
    starts, ends = np.take_along_axis(starts, chosen // kept, 1), np.take_along_axis(ends, chosen % kept, 1)
    missing = ((0, 0), (0, n_best - best.shape[1]))  # of windows shorter than n_best
    scores = np.pad(best, missing, constant_values=-np.inf)
    return WindowSpans(scores, np.pad(starts, missing), np.pad(ends, missing), start_logits[:, 0] + end_logits[:, 0])


def largest_columns(values: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the `count` largest values of each row, (rows, count) int64; of equal ones the first.

    A partition of integers finds the smallest value that is kept without the indices, which is several times as fast as
    sorting pairs of both (benchmarks/qa_decoding.py).

    Args:
        values: (rows, width) float32.
        count: at most width.
    """
    bits = np.ascontiguousarray(values).view(np.int32)
    keys = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # integers in the order of the floats
    smallest = np.partition(keys, -count, axis=1)[:, -count, None]
    chosen = keys >= smallest
    indices = np.flatnonzero(chosen)
    rows, width = keys.shape
    if len(indices) > rows * count:  # more values equal the smallest one kept
        many = np.flatnonzero(np.count_nonzero(chosen, axis=1) > count)
        equal = keys[many] == smallest[many]
        above = chosen[many] & ~equal
        chosen[many] = above | (equal & (np.cumsum(equal, axis=1) <= count - above.sum(1, keepdims=True)))
        indices = np.flatnonzero(chosen)
    return np.asarray(indices.reshape(rows, count) - np.arange(0, rows * width, width)[:, None])


@dataclass(frozen=True)
class QuestionSpans:
    """The best spans of each question over all of its windows, the best first."""

    scores: np.ndarray
    """(questions, n_best) float; -inf where there are fewer spans."""
    starts: np.ndarray
    """(questions, n_best) int: number of the first token in the context."""
    ends: np.ndarray
    """(questions, n_best) int: number of the last token in the context."""
    null: np.ndarray
    """(questions,) float, score of no answer: the lowest of the windows', since one window with an answer is enough."""

    @property
    def no_answer(self) -> np.ndarray:
        """Probability of no answer against the best span alone, (questions,); 1 where there is no span."""
        with np.errstate(invalid="ignore"):  # in float64: float32 rounds 1 - 1e-8 to 1
            return sigmoid(self.null.astype(np.float64) - self.scores[:, 0])

    def probabilities(self) -> np.ndarray:
        """Probability of each span and, last, of no answer, (questions, n_best + 1)."""
        return softmax(np.column_stack([self.scores, self.null]))


def merge_windows(windows: WindowSpans, question: np.ndarray, shift: np.ndarray, count: int) -> QuestionSpans:
    """Merge the windows of each question and keep its best spans, a span that two windows share once.

    Args:
        windows: spans of all windows.
        question: (windows,) int, the number of the question of each window, rising.
        shift: (windows,) int, to add to a position in the window to get the number of the token in the context.
        count: number of questions, each with at least one window.
    """
    starts, ends = windows.starts + shift[:, None], windows.ends + shift[:, None]
    number = np.bincount(question, minlength=count)
    first = np.cumsum(number) - number
    merged = QuestionSpans(windows.scores[first], starts[first], ends[first], np.minimum.reduceat(windows.null, first))
    for windows_each in np.unique(number[number > 1]).tolist():
        questions = np.flatnonzero(number == windows_each)
        rows = first[questions, None] + np.arange(windows_each)
        columns = [values[rows].reshape(len(questions), -1) for values in (windows.scores, starts, ends)]
        for target, values in zip((merged.scores, merged.starts, merged.ends), _best_of(*columns), strict=True):
            target[questions] = values[:, : target.shape[1]]
    return merged


def _best_of(scores: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort the spans of each row, the best first; of equal spans all but the best come last, with the score -inf."""
    order = np.argsort(-scores, axis=1, kind="stable")
    scores, starts, ends = (np.take_along_axis(values, order, 1) for values in (scores, starts, ends))
    spans = starts * (ends.max() + 1) + ends
    by_span = np.argsort(spans, axis=1, kind="stable")
    spans = np.take_along_axis(spans, by_span, 1)
    duplicate = np.zeros(spans.shape, bool)
    np.put_along_axis(duplicate, by_span[:, 1:], spans[:, 1:] == spans[:, :-1], 1)
    order = np.argsort(duplicate, axis=1, kind="stable")
    scores = np.where(duplicate, -np.inf, scores)
    scores, starts, ends = (np.take_along_axis(values, order, 1) for values in (scores, starts, ends))
    return scores, starts, ends
