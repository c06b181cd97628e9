"""Predicted against true values of a regression, as much of them as a plot needs."""

import numpy as np

from ..reporting.details import PredictedAgainstTrue
from .metrics import Predictions

_MOST_POINTS = 1_000
_CELLS = 40  # of a grid, on each side


def predicted_against_true(
    predicted: Predictions, most_points: int = _MOST_POINTS, cells: int = _CELLS
) -> PredictedAgainstTrue:
    """Return the points of few examples, or the number of examples in each cell of a grid over all of them.

    Args:
        predicted: predictions and references of a regression, at least one.
        most_points: examples up to which each is a point.
        cells: of the grid, on each side.
    """
    true = np.asarray(predicted.references, np.float64)
    values = np.asarray(predicted.predictions, np.float64)
    if len(true) <= most_points:
        pairs = zip(true.tolist(), values.tolist(), strict=True)
        return {"points": [(_short(reference), _short(value)) for reference, value in pairs]}
    low, high = float(min(true.min(), values.min())), float(max(true.max(), values.max()))
    counts, edges, _ = np.histogram2d(true, values, cells, ((low, max(high, low + 1e-6)),) * 2)
    return {"edges": [_short(edge, 8) for edge in edges.tolist()], "counts": counts.astype(int).tolist()}


def _short(value: float, digits: int = 5) -> float:
    """Return a number to some significant digits, which take less room in a file."""
    return float(f"{value:.{digits}g}")
