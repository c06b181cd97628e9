"""Private parts of torch."""

import torch
from torch import Tensor


def softmax_backward(gradient: Tensor, weights: Tensor) -> Tensor:
    """Return the gradient of the scores from that of their softmax over the last dimension.

    `torch._softmax_backward_data` has no public name. The formula `weights * (gradient - (gradient * weights).sum(-1))`
    is as fast but rounds differently, so that a run would no longer repeat the losses of an earlier version.

    Args:
        gradient: of the weights, of any shape.
        weights: softmax of the scores, the same shape.

    >>> weights = torch.tensor([0.25, 0.75])
    >>> softmax_backward(torch.tensor([1.0, 0.0]), weights)
    tensor([ 0.1875, -0.1875])
    """
    return torch._softmax_backward_data(gradient, weights, -1, weights.dtype)
