"""A model at work: examples in batches of like length."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch


def run_batches(
    model: Any,
    examples: Any,
    lengths: np.ndarray,
    collator: Callable[[list[Any]], dict[str, torch.Tensor]],
    batch_size: int,
) -> Iterator[tuple[np.ndarray, Any]]:
    """Yield the numbers of the examples of each batch, (batch,) int64, and what the model says of them.

    Args:
        model: in evaluation while this runs, and afterwards as it was.
        examples: a map-style dataset.
        lengths: of each example, (examples,); those of like length share a batch, the longest come first.
        collator: examples → batch.
        batch_size: examples in a batch.
    """
    order = np.argsort(-lengths, kind="stable")
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = collator([examples[int(index)] for index in rows])
            with torch.inference_mode():
                yield rows, model(**{name: values.to(model.device) for name, values in batch.items()})
    finally:
        model.train(was_training)
