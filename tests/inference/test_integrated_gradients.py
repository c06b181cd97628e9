"""Integrated gradients against integrals in closed form."""

import pytest
import torch

from bert_finetune_kit.inference.explanation import Stopped
from bert_finetune_kit.inference.integrated_gradients import integrated_gradients

POINT = torch.tensor([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]])
BASELINE = torch.tensor([[0.5, 1.0], [0.0, 0.0], [2.0, 1.0]])
WEIGHTS = torch.tensor([[1.0, 2.0], [-3.0, 0.5], [4.0, 4.0]])


def integrate(function, max_steps=256, tolerance=0.01, points_at_once=7, **settings):
    with torch.no_grad():
        change = float(function(POINT[None]) - function(BASELINE[None]))
    found = integrated_gradients(
        function, POINT, BASELINE, change, max_steps=max_steps, tolerance=tolerance, points_at_once=points_at_once,
        **settings,
    )  # fmt: skip
    assert found.error == pytest.approx(abs(float(found.values.sum()) - change), abs=1e-9)
    return found


def test_a_linear_function_is_the_weights_times_the_differences():
    found = integrate(lambda points: (points * WEIGHTS).sum((1, 2)))
    torch.testing.assert_close(found.values, (WEIGHTS * (POINT - BASELINE)).sum(1).double(), atol=1e-6, rtol=1e-6)
    assert (found.error < 1e-6, found.steps) == (True, 16)


def test_a_sum_of_powers_has_its_difference_in_each_row():
    found = integrate(lambda points: points.pow(3).sum((1, 2)))
    torch.testing.assert_close(found.values, (POINT.pow(3) - BASELINE.pow(3)).sum(1).double(), atol=1e-5, rtol=1e-6)


def test_a_product_is_shared_by_its_factors():
    """f(x, y) = x y from 0: half of it each (Sundararajan et al. 2017, symmetry)."""
    point, baseline = torch.tensor([[3.0], [5.0]]), torch.zeros(2, 1)
    found = integrated_gradients(
        lambda points: points[:, 0, 0] * points[:, 1, 0], point, baseline, 15.0, max_steps=16, tolerance=0.01,
        points_at_once=4,
    )  # fmt: skip
    torch.testing.assert_close(found.values, torch.tensor([7.5, 7.5], dtype=torch.float64), atol=1e-6, rtol=1e-6)


def test_a_steep_function_gets_more_steps_up_to_the_greatest_number():
    def steep(points):
        return torch.sigmoid(200 * (points[:, 0, 0] - 0.731))

    found = integrate(steep)
    assert found.steps in (64, 128, 256)
    assert found.error <= 0.01
    few = integrate(steep, max_steps=20)
    assert few.steps == 16
    assert few.error > 0.01


def test_weights_get_no_gradients():
    weights = WEIGHTS.clone().requires_grad_()
    integrate(lambda points: (points * weights).sum((1, 2)))
    assert weights.grad is None


def test_it_can_be_stopped_between_calls():
    calls = []

    def function(points):
        calls.append(len(points))
        return points.sum((1, 2))

    with pytest.raises(Stopped):
        integrated_gradients(
            function, POINT, BASELINE, 1.0, max_steps=16, tolerance=0.01, points_at_once=6, stop=lambda: len(calls) == 2
        )
    assert calls == [6, 6]
