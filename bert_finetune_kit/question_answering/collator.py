"""Windows of questions → padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.padding import pad_rows, padded_length, span_mask
from ..data.sequences import SequenceFormat


@dataclass
class DataCollatorForQuestionAnswering:
    """Pads a list of windows to one batch.

    An example is a dict as `QAExamples` returns it. A batch holds, as int64 tensors:

    - `input_ids`, `attention_mask`, and if the format has types, `token_type_ids`: (windows, seq)
    - `context_mask`: (windows, seq), 1 for the tokens of the context that an answer may begin or end with
    - `start_positions`, `end_positions`: (windows,), 0 (`[CLS]`, `<s>`) where there is no answer
    - `weights`: (windows,) float32, 0 for those that are not in the loss
    """

    pad_token_id: int
    format: SequenceFormat
    lengths: Sequence[int] | None = None
    """Lengths that batches may have, ascending, for devices that compile each shape; none means any."""

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return the batch of `examples`."""
        ids = [example["input_ids"] for example in examples]
        tokens = [len(row) for row in ids]
        starts = [example["context_start"] for example in examples]
        length = padded_length(max(tokens), self.lengths)
        ends = [count - len(self.format.after) for count in tokens]
        context_mask = span_mask(ends, length, starts)
        for row, start, end, example in zip(context_mask, starts, ends, examples, strict=True):
            row[start:end] &= example.get("visible", 1)
        batch = {
            "input_ids": pad_rows(ids, self.pad_token_id, length),
            **self.format.token_types(starts, tokens, length),
            "attention_mask": span_mask(tokens, length),
            "context_mask": context_mask,
            "start_positions": np.array([example["start_position"] for example in examples], np.int64),
            "end_positions": np.array([example["end_position"] for example in examples], np.int64),
            "weights": np.array([example.get("in_loss", True) for example in examples], np.float32),
        }
        return {name: torch.from_numpy(values) for name, values in batch.items()}
