"""Which examples belong together, since they share a text, an author, an article."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components


def cluster_numbers(*names: Sequence[object]) -> np.ndarray:
    """Return a number for each example, (examples,), equal for examples that share any of their names.

    Args:
        names: of what each example belongs to, such as its author, and its text; one for each example.

    >>> cluster_numbers(["ann", "ann", "bob", "cy"], ["yes", "no", "no", "ok"]).tolist()
    [0, 0, 0, 1]
    """
    examples = len(names[0])
    edges = []
    for column in names:
        number_of: dict[object, int] = {}
        edges.append([number_of.setdefault(name, len(number_of)) for name in column])
    offsets = np.cumsum([0, *(max(column, default=-1) + 1 for column in edges)])
    nodes = np.concatenate([np.array(column, int) + offset for column, offset in zip(edges, offsets, strict=False)])
    rows = np.tile(np.arange(examples), len(names))
    # A graph of examples and names: those that are connected belong together.
    graph = sparse.coo_array((np.ones(len(nodes)), (rows, examples + nodes)), (examples + offsets[-1],) * 2)
    return np.unique(connected_components(graph, directed=False)[1][:examples], return_inverse=True)[1]
