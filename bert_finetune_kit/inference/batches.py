"""Run a model over examples in batches of similar length."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..modeling.packed_linear import packed_linears
from ..modeling.unpadding import with_packing
from .memory import eval_batch_advice, memory_advice


class Examples(Protocol):
    """A map-style dataset."""

    def __getitem__(self, index: int, /) -> Any:
        """Return the example at an index."""


def run_batches(
    model: PreTrainedModel,
    examples: Examples,
    lengths: np.ndarray,
    collator: Callable[[list[Any]], Mapping[str, Tensor]],
    batch_size: int,
    forward: Callable[[Any, dict[str, Tensor]], Any],
) -> Iterator[tuple[np.ndarray, Any]]:
    """Yield the indices of the examples of each batch, (batch,) int64, and the outputs of the model for them.

    Args:
        model: put into evaluation mode meanwhile, and back into its mode at the end.
        examples: to run the model on.
        lengths: of each example in tokens, (examples,). Examples of similar length share a batch; the longest come
            first, so that a batch that does not fit into memory is the first one.
        collator: examples → batch.
        batch_size: examples per batch.
        forward: model and batch → outputs.

    Raises:
        DeviceMemoryError: a batch does not fit into the memory of the device.
    """
    order = np.argsort(-lengths, kind="stable")
    collator = with_packing(collator, model, model.device)
    training = [module for module in model.modules() if module.training]
    if training:
        model.eval()
    try:
        batches = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
        following = ((indices, collator([examples[int(index)] for index in indices])) for indices in batches)
        current = next(following, None)
        with packed_linears(model):
            while current is not None:
                indices, batch = current
                with torch.inference_mode():
                    with memory_advice(f"The prediction on {model.device}", lambda: eval_batch_advice(batch_size)):
                        outputs = forward(model, {name: values.to(model.device) for name, values in batch.items()})
                    current = next(following, None)  # made while a GPU computes, which reading the outputs waits for
                yield indices, outputs
    finally:
        for module in training:
            module.training = True
