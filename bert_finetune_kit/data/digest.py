"""Hashes of all examples, by which a resumed run knows its data again."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash


def digest(arrays: Iterable[np.ndarray]) -> str:
    """Return a hash of arrays, of their lengths and of their order.

    >>> digest([np.array([1, 2]), np.array([3])]) == digest([np.array([1]), np.array([2, 3])])
    False
    """
    state = xxhash.xxh128()
    for array in arrays:
        state.update(len(array).to_bytes(8, "little"))
        state.update(np.ascontiguousarray(array).view(np.uint8).data)
    return state.hexdigest()


def column_digest(column: pa.ChunkedArray) -> str:
    """Return a hash of the rows of an Arrow list column, whatever the chunks that it is stored in."""
    state = xxhash.xxh128()
    state.update(np.ascontiguousarray(pc.list_value_length(column).to_numpy()).view(np.uint8).data)
    for chunk in column.chunks:
        state.update(np.ascontiguousarray(chunk.flatten().to_numpy()).view(np.uint8).data)
    return state.hexdigest()
