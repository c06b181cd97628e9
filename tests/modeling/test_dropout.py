"""Cheap random numbers must be as good as torch's."""

import numpy as np
import pytest
import torch

from bert_finetune_kit.modeling.attention import attend
from bert_finetune_kit.modeling.attention_parts import plan_attention
from bert_finetune_kit.modeling.dropout import Dropout, keep_mask

COUNT = 1_000_000


@pytest.mark.parametrize("p", [0.1, 0.5, 1e-3])
def test_share_and_independence(p):
    """Shares of single elements, and of pairs at several distances, within five standard deviations."""
    torch.manual_seed(0)
    mask = keep_mask((COUNT,), p, torch.float32)
    dropped = mask == 0
    for events, share in ((dropped, p), *((dropped[gap:] & dropped[:-gap], p * p) for gap in (1, 2, 3, 4, 64))):
        assert abs(events.double().mean() - share) < 5 * np.sqrt(share * (1 - share) / COUNT) + 1e-5
    assert sorted(set(mask.tolist())) == pytest.approx([0, 1 / (1 - p)], abs=1e-4)


def test_masks_depend_on_the_seed_and_do_not_repeat():
    torch.manual_seed(3)
    first, second = (keep_mask((1001,), 0.5, torch.bfloat16) for _ in range(2))
    torch.manual_seed(3)
    assert torch.equal(keep_mask((7, 11, 13), 0.5, torch.bfloat16).flatten(), first)
    assert not torch.equal(first, second)


def test_dropout_preserves_the_mean_and_passes_gradients_of_kept_elements():
    torch.manual_seed(0)
    layer, ones = Dropout(0.1), torch.ones(COUNT, requires_grad=True)
    dropped = layer(ones)
    assert dropped.mean().item() == pytest.approx(1, abs=2e-3)
    assert sorted(set(dropped.tolist())) == pytest.approx([0, 1 / 0.9], abs=1e-4)
    dropped.sum().backward()
    assert torch.equal(ones.grad, dropped)
    assert torch.equal(layer.eval()(ones), ones)
    assert torch.equal(Dropout(0.0)(ones), ones)


def states(lengths, size=4, heads=2):
    return [torch.randn(1, heads, sum(lengths), size, dtype=torch.double, requires_grad=True) for _ in range(3)]


def test_attention_with_dropout_has_the_right_gradients():
    torch.manual_seed(0)
    parts = plan_attention([2, 3, 3, 70])

    def attend_with_seed(*states):
        torch.manual_seed(1)  # the same weights are dropped in each call
        return attend(None, *states, None, dropout=0.3, parts=parts)[0][:, :9]

    assert torch.autograd.gradcheck(attend_with_seed, states([2, 3, 3, 70]), fast_mode=True)


def test_attention_with_dropout_is_right_on_average():
    torch.manual_seed(0)
    inputs, parts = states([5, 9]), plan_attention([5, 9])
    outputs = torch.stack([attend(None, *inputs, None, dropout=0.2, parts=parts)[0].detach() for _ in range(4000)])
    torch.testing.assert_close(outputs.mean(0), attend(None, *inputs, None, parts=parts)[0], atol=0.05, rtol=0)
    assert outputs.std(0).min() > 0.01
