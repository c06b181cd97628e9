"""Logits of windows → the best spans of questions.

Shapes: windows is the number of sequences, seq their length, n_best the spans kept of each window and question.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit, softmax
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True)
class WindowSpans:
    """The best spans of each window, the best first, and the score of its having none."""

    scores: np.ndarray
    """(windows, n_best) float: start logit + end logit; -inf where a window has fewer spans."""
    starts: np.ndarray
    """(windows, n_best) int: position of the first token."""
    ends: np.ndarray
    """(windows, n_best) int: position of the last token."""
    null: np.ndarray
    """(windows,) float: start logit + end logit of `[CLS]`."""


def best_spans(
    start_logits: Tensor, end_logits: Tensor, context: Tensor, n_best: int, max_answer_length: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the best spans of each window among its `n_best` starts and ends, as the scripts of BERT and SQuAD do.

    Args:
        start_logits: (windows, seq) float.
        end_logits: (windows, seq) float.
        context: (windows, seq) bool, the tokens that an answer may hold.
        n_best: number of starts, of ends, and of spans kept.
        max_answer_length: longest answer in tokens.

    Returns:
        Scores, starts, ends (windows, n_best), and null scores (windows,), as in `WindowSpans`.
    """
    start_logits, end_logits = start_logits.float(), end_logits.float()
    kept = min(n_best, start_logits.shape[1])
    start_scores, starts = start_logits.topk(kept, dim=1)
    end_scores, ends = end_logits.topk(kept, dim=1)
    start_scores = start_scores.masked_fill(~context.gather(1, starts), -torch.inf)
    end_scores = end_scores.masked_fill(~context.gather(1, ends), -torch.inf)
    lengths = ends.int().unsqueeze(1) - starts.int().unsqueeze(2) + 1  # (windows, starts, ends)
    scores = start_scores.unsqueeze(2) + end_scores.unsqueeze(1)
    scores = scores.masked_fill_((lengths < 1) | (lengths > max_answer_length), -torch.inf).flatten(1)
    best, place = scores.topk(min(n_best, kept * kept), dim=1)
    starts, ends = starts.gather(1, place // kept), ends.gather(1, place % kept)
    lacking = n_best - best.shape[1]  # of windows shorter than that; all batches must have one width
    null = start_logits[:, 0] + end_logits[:, 0]
    return pad(best, (0, lacking), value=-torch.inf), pad(starts, (0, lacking)), pad(ends, (0, lacking)), null


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
    """(questions,) float, score of no answer: the least of the windows', since one window with an answer is enough."""

    @property
    def no_answer(self) -> np.ndarray:
        """Probability of no answer beside the best span alone, (questions,); 1 where there is no span."""
        with np.errstate(invalid="ignore"):
            return expit(self.null - self.scores[:, 0])

    def probabilities(self) -> np.ndarray:
        """Probability of each span and, last, of no answer, (questions, n_best + 1)."""
        return softmax(np.column_stack([self.scores, self.null]), axis=1)


def merge_windows(windows: WindowSpans, question: np.ndarray, shift: np.ndarray, count: int) -> QuestionSpans:
    """Join the windows of each question and keep its best spans, a span that two windows share once.

    Args:
        windows: spans of all windows.
        question: (windows,) int, the number of the question of each window, rising.
        shift: (windows,) int, to add to a position in the window to get the number of the token in the context.
        count: number of questions, each with at least one window.
    """
    width = windows.scores.shape[1]
    starts, ends = windows.starts + shift[:, None], windows.ends + shift[:, None]
    number = np.bincount(question, minlength=count)
    first = np.cumsum(number) - number
    merged = QuestionSpans(windows.scores[first], starts[first], ends[first], np.minimum.reduceat(windows.null, first))
    several = np.flatnonzero(number[question] > 1)
    if len(several):
        # Spans of the questions with several windows, sorted by question, and equal spans beside each other.
        columns = np.repeat(question[several], width), starts[several].ravel(), ends[several].ravel()
        scores = windows.scores[several].ravel()
        order = np.lexsort((-scores, *columns[::-1]))
        told = np.stack([column[order] for column in columns])
        order = order[np.concatenate([[True], (told[:, 1:] != told[:, :-1]).any(0)])]
        order = order[np.lexsort((-scores[order], columns[0][order]))]
        owner = columns[0][order]
        rank = np.arange(len(order)) - np.searchsorted(owner, owner)
        order, owner, rank = (values[rank < width] for values in (order, owner, rank))
        merged.scores[number > 1] = -np.inf
        for target, values in zip((merged.scores, merged.starts, merged.ends), (scores, *columns[1:]), strict=True):
            target[owner, rank] = values[order]
    return merged
