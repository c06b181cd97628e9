"""Private parts of torch that the package uses are there, and do what is expected of them."""

import torch

from bert_finetune_kit.compat import torch as compat
from bert_finetune_kit.compat.torch import softmax_backward


def test_softmax_backward_data():
    assert hasattr(torch, "_softmax_backward_data"), "torch._softmax_backward_data is gone"
    scores = torch.randn(3, 5, 7, requires_grad=True)
    weights = scores.softmax(-1)
    gradient = torch.randn(3, 5, 7)
    weights.backward(gradient)
    assert torch.equal(softmax_backward(gradient, weights.detach()), scores.grad)


def test_attention_of_variable_lengths(monkeypatch):
    """Torch's own function for variable lengths calls the flash operator in the same way, without dropout."""
    calls = []
    for name in ("_flash_attention_forward", "_efficient_attention_forward"):
        schema = getattr(torch.ops.aten, name).default._schema
        monkeypatch.setattr(
            torch.ops.aten,
            name,
            lambda *given, _schema=schema, **named: calls.append(bound(_schema, given, named)) or [given[0]],
        )
    states, cu_seqlens = torch.ones(9, 2, 8), torch.tensor([0, 4, 9], dtype=torch.int32)
    compat.flash_attention(states, states, states, cu_seqlens, 5, 0.1, 0.5, 3)
    assert compat.efficient_attention(states, states, states, cu_seqlens, 5, 0.1, 0.5).shape == states.shape
    flash, efficient = calls
    assert (flash["max_q"], flash["max_k"], flash["dropout_p"], flash["scale"]) == (5, 5, 0.1, 0.5)
    assert (flash["is_causal"], flash["window_size_left"], flash["window_size_right"]) == (False, 3, 3)
    assert (efficient["max_seqlen_q"], efficient["dropout_p"], efficient["scale"]) == (5, 0.1, 0.5)
    assert (efficient["bias"], efficient["custom_mask_type"], efficient["query"].shape) == (None, 0, (1, 9, 2, 8))


def bound(schema, given, named):
    """Return the arguments of an operator by name."""
    names = [argument.name for argument in schema.arguments]
    assert named.keys() <= set(names)
    return dict(zip(names, given, strict=False)) | named
