"""Attention within sequences and windows, against masked softmax attention of each sequence in 64 bits."""

import pytest
import torch

from bert_finetune_kit.modeling.attention import attend
from bert_finetune_kit.modeling.attention_parts import Group, build_blocks, plan_attention

LENGTHS = {
    "blocks and groups": [1, 3, 9, 20, 31, 50, 70, 70],
    "one group": [40, 40, 40],
    "one token each": [1, 1],
    "one sequence": [100],
}
HEADS, SIZE = 2, 4


def states(lengths, heads=HEADS):
    generator = torch.Generator().manual_seed(0)
    shape = (1, HEADS, sum(lengths), SIZE), (1, heads, sum(lengths), SIZE), (1, heads, sum(lengths), SIZE)
    return [torch.randn(size, dtype=torch.double, generator=generator).requires_grad_() for size in shape]


def reference(query, key, value, lengths, window, scale):
    """Return (1, tokens, heads, head_dim); each token attends to those of its sequence at most `window` away."""
    outputs = []
    for q, k, v in zip(*(tensor.split(lengths, 2) for tensor in (query, key, value)), strict=True):
        k, v = (tensor.repeat_interleave(HEADS // tensor.shape[1], 1) for tensor in (k, v))
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * scale
        if window is not None:
            tokens = range(q.shape[2])
            far = torch.tensor([[abs(first - second) > window for second in tokens] for first in tokens])
            scores = scores.masked_fill(far, -torch.inf)
        outputs.append(torch.einsum("bhqk,bhkd->bqhd", scores.softmax(-1), v))
    return torch.cat(outputs, 1)


def gradients(output, inputs):
    return torch.autograd.grad(output.sin().sum(), inputs)


@pytest.mark.parametrize("window", [None, 0, 1, 4, 8, 39, 63, 64, 200])
@pytest.mark.parametrize("kind", LENGTHS)
def test_windows(kind, window):
    """In training, whose backward is the kit's own, in evaluation, and in blocks as on a GPU."""
    lengths = LENGTHS[kind]
    inputs, parts = states(lengths), plan_attention(lengths)
    sliding_window = None if window is None else window + 1
    expected = reference(*inputs, lengths, window, 0.7)
    output, _ = attend(None, *inputs, None, scaling=0.7, sliding_window=sliding_window, parts=parts)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(gradients(output, inputs), gradients(expected, inputs))
    with torch.no_grad():
        for divided in (parts, [build_blocks(lengths, -(-max(lengths) // 8) * 8)]):
            output, _ = attend(None, *inputs, None, scaling=0.7, sliding_window=sliding_window, parts=divided)
            torch.testing.assert_close(output, expected)


def test_fewer_heads_of_keys_and_values():
    lengths = LENGTHS["blocks and groups"]
    inputs = states(lengths, heads=1)
    output, _ = attend(None, *inputs, None, scaling=0.7, parts=plan_attention(lengths))
    expected = reference(*inputs, lengths, None, 0.7)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(gradients(output, inputs), gradients(expected, inputs))


def test_dropped_weights_within_a_window_have_the_right_gradients():
    lengths = [2, 3, 3, 20, 70]
    parts = plan_attention(lengths)

    def attend_with_seed(*inputs):
        torch.manual_seed(1)  # the same weights are dropped in each call
        return attend(None, *inputs, None, dropout=0.3, sliding_window=4, parts=parts)[0][:, :40]

    assert torch.autograd.gradcheck(attend_with_seed, states(lengths), fast_mode=True)


def test_masks_are_made_once_and_only_where_a_window_is_narrower():
    blocks = build_blocks([5, 9, 20], 24)
    assert blocks.mask(4) is blocks.mask(4) is not blocks.mask()
    assert blocks.mask(19) is blocks.mask(200) is blocks.mask()
    assert blocks.mask(18) is not blocks.mask()
    assert Group(2, 9).mask(8) is Group(2, 9).mask() is None
    assert Group(2, 9).mask(7).sum() == 9 * 9 - 2


def test_attention_of_variable_lengths_gets_the_window(monkeypatch):
    """As (left, right), in tokens; without a window it gets none."""
    windows = []

    def varlen(query, key, value, *lengths, scale, window_size=(-1, -1)):
        windows.append(window_size)
        return query

    monkeypatch.setattr("bert_finetune_kit.modeling.attention.varlen_attention", lambda *_: varlen)
    inputs, parts = states([5, 9]), [build_blocks([5, 9], 16)]
    with torch.no_grad():
        for sliding_window in (None, 5):
            attend(None, *inputs, None, sliding_window=sliding_window, parts=parts)
    assert windows == [(-1, -1), (4, 4)]
