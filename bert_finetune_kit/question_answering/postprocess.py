"""Logits of windows → the best answers of questions.

Shapes: windows is the number of sequences, seq their length, n_best the number of candidates kept of each.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor


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
    scores = start_scores.unsqueeze(2) + end_scores.unsqueeze(1)  # (windows, starts, ends)
    lengths = ends.unsqueeze(1) - starts.unsqueeze(2) + 1
    inside = context.gather(1, starts).unsqueeze(2) & context.gather(1, ends).unsqueeze(1)
    scores = scores.masked_fill(~inside | (lengths < 1) | (lengths > max_answer_length), -torch.inf)
    best, place = scores.flatten(1).topk(min(n_best, kept * kept), dim=1)
    null = start_logits[:, 0] + end_logits[:, 0]
    return best, starts.gather(1, place // kept), ends.gather(1, place % kept), null


@dataclass(frozen=True)
class Candidates:
    """The best spans of one question over all of its windows, the best first."""

    windows: np.ndarray
    """(spans,) int: which of the question's windows each lies in."""
    starts: np.ndarray
    """(spans,) int."""
    ends: np.ndarray
    """(spans,) int."""
    scores: np.ndarray
    """(spans,) float."""
    null: float
    """Score of no answer: the least of the windows', since one window with an answer is enough."""

    @property
    def margin(self) -> float:
        """How much better no answer is than the best span; infinite where there is none."""
        return self.null - float(self.scores[0]) if len(self.scores) else np.inf

    @property
    def no_answer_probability(self) -> float:
        """Probability of no answer beside the best span alone: the logistic function of the margin."""
        return float(1.0 / (1.0 + np.exp(-np.clip(self.margin, -700, 700))))


def merge_windows(spans: WindowSpans, question: np.ndarray, count: int, n_best: int) -> list[Candidates]:
    """Join the windows of each question and keep its best spans.

    Args:
        spans: of all windows.
        question: (windows,) int, the number of the question of each window, rising.
        count: number of questions.
        n_best: number of spans kept of each.
    """
    borders = np.searchsorted(question, np.arange(count + 1))
    merged = []
    for first, last in pairwise(borders):
        scores = spans.scores[first:last].ravel()
        order = np.argsort(-scores, kind="stable")[:n_best]
        order = order[np.isfinite(scores[order])]
        window, column = np.divmod(order, spans.scores.shape[1])
        rows = first + window
        null = float(spans.null[first:last].min()) if last > first else 0.0
        merged.append(Candidates(window, spans.starts[rows, column], spans.ends[rows, column], scores[order], null))
    return merged
