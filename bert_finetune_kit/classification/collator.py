"""Classification examples → padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.buckets import bucket_of


@dataclass
class DataCollatorForClassification:
    """Pads a list of examples to one batch.

    An example is a dict with `windows`, a list of (`input_ids` (seq,), tokens of the first text), and if there are any,
    `label` and `counts` (bool). A batch holds:

    - `input_ids`, `token_type_ids`, `attention_mask`: (windows, seq) int64
    - `window_example`: (windows,) int64, the row of the example that each window belongs to; with `lengths` windows of
      padding may follow, which belong to the row after the last
    - `labels`: (batch,) int64, (batch, labels) float32 or (batch,) float32
    - `weights`: float32, how much each loss counts, in the shape of `labels`; 0 in examples that do not count
    """

    pad_token_id: int
    class_weights: np.ndarray | None = None
    """(labels,) float: weight of each label in the loss; in a multi_label task that of its presence."""
    lengths: Sequence[int] | None = None
    """Lengths that batches may have, ascending, for devices that compile each shape; none means any."""

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return the batch of `examples`."""
        windows = [window for example in examples for window in example["windows"]]
        rows = len(windows) if self.lengths is None else rows_for(len(windows), len(examples))
        shape = (rows, bucket_of(max(len(ids) for ids, _ in windows), self.lengths))
        owners = np.repeat(np.arange(len(examples)), [len(one["windows"]) for one in examples])
        batch = {
            "input_ids": np.full(shape, self.pad_token_id, np.int64),
            "token_type_ids": np.zeros(shape, np.int64),
            "attention_mask": np.zeros(shape, np.int64),
            "window_example": np.pad(owners, (0, rows - len(windows)), constant_values=len(examples)),
        }
        batch["attention_mask"][len(windows) :, 0] = 1  # attention to nothing at all would be NaN
        for row, (ids, first) in enumerate(windows):
            batch["input_ids"][row, : len(ids)] = ids
            batch["token_type_ids"][row, first : len(ids)] = 1
            batch["attention_mask"][row, : len(ids)] = 1
        if "label" in examples[0]:
            labels = np.array([example["label"] for example in examples])
            batch["labels"] = labels
            batch["weights"] = self._weights(labels, [example.get("counts", True) for example in examples])
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def _weights(self, labels: np.ndarray, counts: list[bool]) -> np.ndarray:
        weights = np.ones(labels.shape, np.float32)
        if self.class_weights is not None:
            weights = self.class_weights[labels] if labels.ndim == 1 else np.where(labels > 0, self.class_weights, 1.0)
        weights = weights.astype(np.float32)
        weights[~np.array(counts)] = 0
        return weights


def rows_for(windows: int, examples: int) -> int:
    """Return how many rows hold so many windows where each shape is compiled: `examples` times a power of two.

    >>> rows_for(32, 32), rows_for(33, 32), rows_for(70, 32)
    (32, 64, 128)
    """
    rows = examples
    while rows < windows:
        rows *= 2
    return rows
