"""What the examples of a split are like, in numbers."""

from typing import Any

import numpy as np

from ..data.tokenized import padding_shares
from .features import ClassificationExamples
from .labels import LabelSet


def split_statistics(
    examples: ClassificationExamples, labels: LabelSet, unk_token_id: int, batch_size: int
) -> dict[str, Any]:
    """Describe a split.

    Returns:
        `examples`, `tokens`, `unknown_tokens` (share), `mean_length` and `longest` in tokens, `truncated_examples` or
        `examples_in_windows`, `padding_to_longest` (share of padding in random batches of `batch_size`),
        `padding_to_max_length`, and the share of each label, or `mean_target` and `std_target`.
    """
    special = examples.max_length - examples.room
    full = examples.texts.lengths + special
    lengths = np.minimum(full, examples.max_length)
    tokens = int(examples.texts.lengths.sum())
    long = "truncated_examples" if examples.stride is None else "examples_in_windows"
    statistics = {
        "examples": len(examples),
        "tokens": tokens,
        "unknown_tokens": examples.texts.count(unk_token_id) / max(tokens, 1),
        "mean_length": float(full.mean()),
        "longest": int(full.max()),
        long: len(examples.too_long),
    } | padding_shares(lengths, examples.max_length, batch_size)
    return statistics | _targets(examples.targets, labels)


def _targets(targets: np.ndarray | None, labels: LabelSet) -> dict[str, float]:
    if targets is None:
        return {}
    if labels.kind == "regression":
        return {"mean_target": float(targets.mean()), "std_target": float(targets.std())}
    one_hot = targets if targets.ndim == 2 else np.eye(len(labels.names))[targets]
    return {f"label {name}": float(share) for name, share in zip(labels.names, one_hot.mean(0), strict=True)}
