"""What the predictions of a model depend on, as a short text that is the same in every process."""

from collections.abc import Sequence
from typing import Any

import torch
import xxhash

from ..compat.datasets import content_hash
from ..runs.fingerprint import tokenizer_digest
from .state import LoadedModel


def model_identity(trained: LoadedModel, settings: Sequence[Any]) -> str:
    """Return a hash of a model's weights, its tokenizer, its labels or threshold, and further settings.

    Args:
        trained: the model.
        settings: plain data and dataclasses of it.
    """
    state = xxhash.xxh128()
    for name, tensor in trained.model.state_dict().items():
        state.update(name.encode())
        state.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    state.update(
        content_hash([tokenizer_digest(trained.tokenizer), repr(trained.usage), *map(repr, settings)]).encode()
    )
    return state.hexdigest()
