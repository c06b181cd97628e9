"""Logits of windows on any device → their best spans.

Shapes: windows is the number of sequences, seq their length, n_best the spans kept of each window.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from .question_spans import largest_columns


def best_spans(
    start_logits: Tensor, end_logits: Tensor, context: Tensor, n_best: int, max_answer_length: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the best spans of each window among its `n_best` starts and ends, as the scripts of BERT and SQuAD do.

    Args:
        start_logits: (windows, seq) float.
        end_logits: (windows, seq) float.
        context: (windows, seq) bool, the tokens that an answer may begin or end with.
        n_best: number of starts, of ends, and of spans kept.
        max_answer_length: longest answer in tokens.

    Returns:
        Scores, starts, ends (windows, n_best), and null scores (windows,), as in `WindowSpans`.
    """
    start_logits, end_logits = start_logits.float(), end_logits.float()
    kept = min(n_best, start_logits.shape[1])
    starts, ends = largest(start_logits, kept), largest(end_logits, kept)
    first, last = (
        logits.gather(1, indices).masked_fill_(~context.gather(1, indices), -torch.inf)
        for logits, indices in ((start_logits, starts), (end_logits, ends))
    )
    lengths = ends.short().unsqueeze(1) - starts.short().unsqueeze(2)  # (windows, starts, ends), less one
    scores = first.unsqueeze(2) + last.unsqueeze(1)
    scores = scores.masked_fill_((lengths < 0).logical_or_(lengths >= max_answer_length), -torch.inf).flatten(1)
    chosen = largest(scores, min(n_best, kept * kept))
    best, order = scores.gather(1, chosen).sort(dim=1, descending=True, stable=True)
    chosen = chosen.gather(1, order)
    starts, ends = starts.gather(1, chosen // kept), ends.gather(1, chosen % kept)
    missing = n_best - best.shape[1]  # of windows shorter than n_best; all batches must have the same width
    null = start_logits[:, 0] + end_logits[:, 0]
    return pad(best, (0, missing), value=-torch.inf), pad(starts, (0, missing)), pad(ends, (0, missing)), null


def largest(values: Tensor, count: int) -> Tensor:
    """Return the indices of the `count` largest values of each row, (rows, count) int64; of equal ones the first.

    On CPUs `torch.topk` sorts pairs of values and indices, which takes several times as long.

    Args:
        values: (rows, width) float32.
        count: at most width.
    """
    if values.device.type != "cpu":
        return values.topk(count, dim=1).indices
    return torch.from_numpy(largest_columns(values.detach().numpy(), count))
