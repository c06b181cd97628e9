"""Attention within sequences and windows, against masked softmax attention of each sequence in 64 bits."""

from itertools import accumulate

import pytest
import torch

from bert_finetune_kit.compat.torch import efficient_attention, flash_attention
from bert_finetune_kit.modeling.attention import attend, variable_length_kernel
from bert_finetune_kit.modeling.attention_parts import Group, Sequences, build_blocks, plan_attention

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


def as_on_a_gpu(lengths):
    return [Sequences(tuple(lengths), torch.tensor([0, *accumulate(lengths)], dtype=torch.int32), max(lengths))]


def gradients(output, inputs):
    return torch.autograd.grad(output.sin().sum(), inputs)


def test_long_sequences_without_dropout_keep_no_weights():
    """Their number is the square of the length: 2 heads x 1,024 x 1,024."""
    inputs, parts = states([1024]), plan_attention([1024])
    kept = []

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    for dropout in (0.0, 0.1):
        kept.clear()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            attend(None, *inputs, None, dropout, parts=parts)
        assert (max(kept) >= HEADS * 1024 * 1024) is (dropout > 0)


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
        for divided in (parts, as_on_a_gpu(lengths)):
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


def test_a_kernel_of_variable_lengths_gets_the_window(monkeypatch):
    windows = []

    def choose(query, window, has_dropout):
        windows.append(window)
        return lambda query, *_: query

    monkeypatch.setattr("bert_finetune_kit.modeling.attention.variable_length_kernel", choose)
    inputs, parts = states([5, 9]), as_on_a_gpu([5, 9])
    with torch.no_grad():
        for sliding_window in (None, 5):
            attend(None, *inputs, None, sliding_window=sliding_window, parts=parts)
    assert windows == [None, 4]


class FakeStates:
    """Stands for states on a GPU."""

    def __init__(self, dtype=torch.bfloat16, size=64, is_cuda=True):
        self.dtype, self.shape, self.is_cuda, self.device = dtype, (100, 12, size), is_cuda, "cuda"


A100, T4 = (8, 0), (7, 5)


@pytest.mark.parametrize(
    ("given", "window", "dropout", "capability", "kernel"),
    [
        (FakeStates(), None, False, A100, flash_attention),
        (FakeStates(torch.float16), 4, False, A100, flash_attention),
        (FakeStates(torch.float32), None, False, A100, efficient_attention),
        (FakeStates(), None, True, A100, flash_attention),
        (FakeStates(torch.float32), None, True, A100, None),
        (FakeStates(size=256), None, True, A100, None),
        (FakeStates(torch.float16), None, True, T4, None),
        (FakeStates(torch.float32), 4, False, A100, None),
        (FakeStates(size=256), None, False, A100, efficient_attention),
        (FakeStates(size=12), None, False, A100, None),
        (FakeStates(torch.float64), None, False, A100, None),
        (FakeStates(torch.float16), None, False, T4, efficient_attention),
        (FakeStates(torch.float32), None, False, T4, efficient_attention),
        (FakeStates(), None, False, T4, None),
        (FakeStates(is_cuda=False), None, False, A100, None),
    ],
)
def test_which_kernel_of_variable_lengths(monkeypatch, given, window, dropout, capability, kernel):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)
    chosen = variable_length_kernel(given, window, dropout)
    assert getattr(chosen, "func", chosen) is kernel
    if kernel is flash_attention:
        assert chosen.keywords == {"window": window}


def test_kernels_that_are_switched_off_are_not_used(monkeypatch):
    """By torch's own context, as for its attention."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: A100)
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.EFFICIENT_ATTENTION):
        assert variable_length_kernel(FakeStates()) is efficient_attention
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        assert variable_length_kernel(FakeStates()) is None
