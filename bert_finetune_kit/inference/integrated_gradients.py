"""Integrated gradients (Sundararajan et al. 2017): what each part of an input adds to an output."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .explanation import Stop, Stopped

FIRST_STEPS = 16


@dataclass(frozen=True)
class Attributions:
    """What the rows of an input add to the output."""

    values: Tensor
    """(rows,) float64 on the CPU."""
    error: float
    """How far their sum is from the difference of the outputs of input and baseline."""
    steps: int
    """Points at which gradients were computed."""


def integrated_gradients(
    function: Callable[[Tensor], Tensor],
    point: Tensor,
    baseline: Tensor,
    change: float,
    *,
    max_steps: int,
    tolerance: float,
    points_at_once: int,
    stop: Stop | None = None,
) -> Attributions:
    """Integrate the gradient of a function along the straight line from a baseline to a point.

    The integral is computed by Gauss-Legendre quadrature, with twice as many steps until its error is small.

    Args:
        function: points (n, rows, width) → outputs (n,).
        point: (rows, width).
        baseline: (rows, width).
        change: output of the point less that of the baseline.
        max_steps: greatest number of steps.
        tolerance: error that is small enough, as a share of `change`; of 1 where `change` is less.
        points_at_once: of one call of the function.
        stop: is asked before each call.

    Returns:
        Those of the number of steps with the smallest error.

    Raises:
        Stopped: `stop` said so.
    """
    results = []
    steps = min(FIRST_STEPS, max_steps)
    while True:
        gradient = _mean_gradient(function, point, baseline, steps, points_at_once, stop)
        values = ((point - baseline).cpu().double() * gradient).sum(-1)
        results.append(Attributions(values, abs(float(values.sum()) - change), steps))
        if results[-1].error <= tolerance * max(1.0, abs(change)) or 2 * steps > max_steps:
            return min(results, key=lambda result: result.error)
        steps *= 2


def _mean_gradient(
    function: Callable[[Tensor], Tensor],
    point: Tensor,
    baseline: Tensor,
    steps: int,
    points_at_once: int,
    stop: Stop | None,
) -> Tensor:
    """Return the mean of the gradient over the line, (rows, width) float64 on the CPU: not all devices have such."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)  # on (-1, 1)
    total = torch.zeros(point.shape, dtype=torch.float64)
    for first in range(0, steps, points_at_once):
        if stop is not None and stop():
            raise Stopped
        shares, chosen = (
            torch.tensor(values[first : first + points_at_once], dtype=torch.float32, device=point.device).view(
                -1, 1, 1
            )
            for values in ((nodes + 1) / 2, weights / 2)
        )
        points = baseline + shares.to(point.dtype) * (point - baseline)
        with torch.enable_grad():
            points.requires_grad_()
            (gradients,) = torch.autograd.grad(function(points).sum(), points)
        total += (chosen * gradients.float()).sum(0).cpu().double()
    return total
