"""Private parts of torch that the package uses are there, and do what is expected of them."""

import torch

from bert_finetune_kit.compat.torch import softmax_backward


def test_softmax_backward_data():
    assert hasattr(torch, "_softmax_backward_data"), "torch._softmax_backward_data is gone"
    scores = torch.randn(3, 5, 7, requires_grad=True)
    weights = scores.softmax(-1)
    gradient = torch.randn(3, 5, 7)
    weights.backward(gradient)
    assert torch.equal(softmax_backward(gradient, weights.detach()), scores.grad)
