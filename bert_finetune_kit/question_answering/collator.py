"""Windows of questions → padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.buckets import bucket_of


@dataclass
class DataCollatorForQuestionAnswering:
    """Pads a list of windows to one batch.

    An example is a dict as `QAExamples` gives it. A batch holds, as int64 tensors:

    - `input_ids`, `token_type_ids`, `attention_mask`: (windows, seq)
    - `context_mask`: (windows, seq), 1 for the tokens that an answer may hold
    - `start_positions`, `end_positions`: (windows,), 0 (`[CLS]`) where there is no answer
    - `weights`: (windows,) float32, 0 for those that do not count
    """

    pad_token_id: int
    lengths: Sequence[int] | None = None
    """Lengths that batches may have, ascending, for devices that compile each shape; none means any."""

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return the batch of `examples`."""
        shape = (len(examples), bucket_of(max(len(example["input_ids"]) for example in examples), self.lengths))
        batch = {
            "input_ids": np.full(shape, self.pad_token_id, np.int64),
            "token_type_ids": np.zeros(shape, np.int64),
            "attention_mask": np.zeros(shape, np.int64),
            "context_mask": np.zeros(shape, np.int64),
        }
        for row, example in enumerate(examples):
            tokens, first = len(example["input_ids"]), example["context_start"]
            batch["input_ids"][row, :tokens] = example["input_ids"]
            batch["token_type_ids"][row, first:tokens] = 1
            batch["attention_mask"][row, :tokens] = 1
            batch["context_mask"][row, first : tokens - 1] = 1
        batch["start_positions"] = np.array([example["start_position"] for example in examples], np.int64)
        batch["end_positions"] = np.array([example["end_position"] for example in examples], np.int64)
        batch["weights"] = np.array([example.get("counts", True) for example in examples], np.float32)
        return {name: torch.from_numpy(values) for name, values in batch.items()}
