"""Classification examples → padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.padding import pad_rows, padded_length, span_mask
from ..data.sequences import SequenceFormat


@dataclass
class DataCollatorForClassification:
    """Pads a list of examples to one batch.

    An example is a dict with `windows`, a list of (`input_ids` (seq,), where the second text starts), and for
    training and evaluation `label` and `in_loss` (bool). A batch has:

    - `input_ids`, `attention_mask`, and if the format has types, `token_type_ids`: (windows, seq) int64
    - `window_example`: (windows,) int64, the row of the example that each window belongs to; with `lengths`, windows of
      padding may follow, whose row is the number of examples
    - `window_counts`: (batch,) int64, the number of windows of each example
    - `labels`: (batch,) int64, (batch, labels) float32 or (batch,) float32
    - `weights`: float32, factors of the losses in the shape of `labels`; 0 for examples that are not in the loss
    """

    pad_token_id: int
    format: SequenceFormat
    class_weights: np.ndarray | None = None
    """(labels,) float: weight of each label in the loss; in a multi_label task that of its presence."""
    lengths: Sequence[int] | None = None
    """Allowed lengths of batches, ascending, for devices that compile each shape; none means any."""

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return the batch of `examples`."""
        windows = [window for example in examples for window in example["windows"]]
        rows = len(windows) if self.lengths is None else rows_for(len(windows), len(examples))
        tokens = [len(ids) for ids, _ in windows]
        length = padded_length(max(tokens), self.lengths)
        filler = rows - len(windows)
        counts = [len(example["windows"]) for example in examples]
        owners = np.repeat(np.arange(len(examples)), counts)
        starts, ends = [first for _, first in windows] + [0] * filler, tokens + [0] * filler
        batch = {
            "input_ids": pad_rows([ids for ids, _ in windows], self.pad_token_id, length, rows),
            **self.format.token_types(starts, ends, length),
            # Attention over no token is NaN, so a window of padding has one token.
            "attention_mask": span_mask(tokens + [1] * filler, length),
            "window_example": np.pad(owners, (0, filler), constant_values=len(examples)),
            "window_counts": np.array(counts),
        }
        if "label" in examples[0]:
            labels = np.array([example["label"] for example in examples])
            batch["labels"] = labels
            batch["weights"] = self._weights(labels, [example.get("in_loss", True) for example in examples])
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def _weights(self, labels: np.ndarray, in_loss: list[bool]) -> np.ndarray:
        weights = np.ones(labels.shape, np.float32)
        if self.class_weights is not None:
            weights = self.class_weights[labels] if labels.ndim == 1 else np.where(labels > 0, self.class_weights, 1.0)
        weights = weights.astype(np.float32)
        weights[~np.array(in_loss)] = 0
        return weights


def rows_for(windows: int, examples: int) -> int:
    """Return the number of rows of a batch of fixed shape: the smallest `examples` times a power of two that fits.

    >>> rows_for(32, 32), rows_for(33, 32), rows_for(70, 32)
    (32, 64, 128)
    """
    rows = examples
    while rows < windows:
        rows *= 2
    return rows
