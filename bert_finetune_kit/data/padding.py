"""Padding: rows of different lengths → one array, the lengths that batches may have, and the share that is padding."""

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

import numpy as np

_SHORTEST_BUCKET = 32


def pad_rows(rows: Sequence[np.ndarray], value: int, length: int, batch: int | None = None) -> np.ndarray:
    """Return rows of ids as one array, (batch, length) int64, padded at the end with `value`.

    Args:
        rows: each (seq,) int with at most `length` values.
        value: padding value.
        length: length of every row of the result.
        batch: rows of the result, at least as many as `rows`; those that follow hold padding alone. None means none
            follow.

    >>> pad_rows([np.array([1, 2, 3]), np.array([4])], 0, 4)
    array([[1, 2, 3, 0],
           [4, 0, 0, 0]])
    """
    padded = np.full((batch or len(rows), length), value, np.int64)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
    return padded


def span_mask(ends: Sequence[int], length: int, starts: Sequence[int] | None = None) -> np.ndarray:
    """Return 1 for the positions from `starts[i]` up to `ends[i]` of each row, 0 elsewhere, (batch, length) int64.

    Args:
        ends: position after the last 1 of each row: with the lengths of the rows this is their attention mask.
        length: length of every row.
        starts: first position of each row; none means 0.

    >>> span_mask([3, 1], 4)
    array([[1, 1, 1, 0],
           [1, 0, 0, 0]])
    """
    positions = np.arange(length)
    mask = positions < np.asarray(ends)[:, None]
    if starts is not None:
        mask &= positions >= np.asarray(starts)[:, None]
    return mask.astype(np.int64)


def bucket_lengths(max_length: int) -> tuple[int, ...]:
    """Return the lengths to pad batches to, ascending: powers of two from 32 up, and `max_length`.

    Every length is a shape, and every shape a compilation, which takes seconds to minutes. With `max_length` alone
    there is one, and short texts pay for padding in every step. With a bucket for every few tokens most of them occur
    so seldom that they never earn back their compilation; what counts is the longest sequence of a batch, so random
    batches of long texts nearly all fall into the last one anyway. With powers of two a batch is padded to less than
    twice its longest sequence, with six lengths at most up to 1,024 tokens. Those below 32 would save little.

    >>> bucket_lengths(128), bucket_lengths(384), bucket_lengths(20)
    ((32, 64, 128), (32, 64, 128, 256, 384), (20,))
    """
    powers = [_SHORTEST_BUCKET]
    while powers[-1] * 2 < max_length:
        powers.append(powers[-1] * 2)
    return (*(power for power in powers if power < max_length), max_length)


def batch_lengths(max_length: int, on_xla: bool, is_compiled: bool, processes: int) -> tuple[int, ...] | None:
    """Return the lengths that batches of sequences of up to `max_length` tokens may have; none means any.

    Where every new shape is compiled these are a few buckets; on XLA with several processes `max_length` alone, since
    all of them must run the same graph in a step, and none knows the lengths of the others.

    Args:
        max_length: of a sequence, in tokens.
        on_xla: whether the device compiles every new shape.
        is_compiled: whether `torch.compile` compiles the model.
        processes: that train together.
    """
    if not on_xla and not is_compiled:
        return None
    return (max_length,) if on_xla and processes > 1 else bucket_lengths(max_length)


def padded_length(longest: int, lengths: Sequence[int] | None) -> int:
    """Return the smallest of `lengths` that fits `longest` tokens; `longest` itself where any length is allowed.

    >>> padded_length(33, (32, 64, 128)), padded_length(33, None)
    (64, 33)
    """
    return longest if lengths is None else next(length for length in lengths if length >= longest)


class PaddingShares(TypedDict):
    """Share of a batch that is padding, by what it is padded to."""

    padding_to_longest: float
    padding_to_max_length: float


def padding_shares(lengths: np.ndarray, max_length: int, batch_size: int) -> PaddingShares:
    """Estimate the share of padding from the lengths of sequences.

    Args:
        lengths: of the sequences in tokens, (sequences,).
        max_length: longest sequence.
        batch_size: sequences in a batch.

    Returns:
        The share in random batches padded to their longest sequence, and in batches padded to `max_length`.
    """
    shuffled = np.random.default_rng(0).permutation(lengths)
    batches = np.array_split(shuffled, max(1, len(shuffled) // batch_size))
    positions = sum(int(batch.max()) * len(batch) for batch in batches)
    return {
        "padding_to_longest": 1 - float(lengths.sum()) / positions,
        "padding_to_max_length": 1 - float(lengths.mean()) / max_length,
    }


def measured_padding(attention_masks: Iterable[Any]) -> float:
    """Return the share of the positions of batches that are padding.

    Args:
        attention_masks: tensors or arrays of 0 and 1, (batch, seq) each.
    """
    tokens = positions = 0
    for mask in attention_masks:
        tokens += int(mask.sum())
        positions += int(np.prod(mask.shape))
    return 1 - tokens / positions
