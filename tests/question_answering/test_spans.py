"""The vectorised search against the double loop over starts and ends."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bert_finetune_kit.question_answering.question_spans import WindowSpans, best_window_spans, merge_windows
from bert_finetune_kit.question_answering.spans import best_spans, largest


def double_loop(start, end, context, n_best, longest):
    """The classic search: the best starts and ends of a window, every pair of them."""
    spans = []
    for first in np.argsort(-start)[:n_best]:
        for last in np.argsort(-end)[:n_best]:
            if not context[first] or not context[last] or last < first or last - first + 1 > longest:
                continue
            spans.append((start[first] + end[last], int(first), int(last)))
    return sorted(spans, key=lambda span: -span[0])[:n_best]


@pytest.mark.parametrize("peaked", [0.0, 12.0])
@pytest.mark.parametrize(("n_best", "longest"), [(20, 30), (5, 3), (64, 64), (1, 1)])
def test_spans_equal_those_of_the_double_loop(peaked, n_best, longest):
    rng = np.random.default_rng(n_best)
    start, end = rng.normal(size=(2, 9, 48)).astype(np.float32)
    start[:, 20] += peaked
    end[:, 22] += peaked
    context = np.zeros((9, 48), bool)
    context[:, 10:40] = True
    context[8] = False
    scores, starts, ends, null = best_spans(*map(torch.from_numpy, (start, end, context)), n_best, longest)
    for row in range(9):
        expected = double_loop(start[row], end[row], context[row], n_best, longest)
        kept = torch.isfinite(scores[row])
        spans = list(zip(*(values[row][kept].tolist() for values in (scores, starts, ends)), strict=True))
        assert [span[1:] for span in spans] == [span[1:] for span in expected]
        assert [span[0] for span in spans] == pytest.approx([span[0] for span in expected])
        assert null[row].item() == pytest.approx(start[row, 0] + end[row, 0])
    assert not torch.isfinite(scores[8]).any()


@pytest.mark.parametrize("width", [1, 4])
def test_a_window_with_fewer_spans_than_are_kept(width):
    """All batches have the same width, so that they can be put together."""
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 3, width)).astype(np.float32)
    context = np.ones((3, width), bool)
    scores, starts, ends, _ = best_spans(*map(torch.from_numpy, (start, end, context)), 20, 30)
    assert scores.shape == starts.shape == ends.shape == (3, 20)
    for row in range(3):
        expected = double_loop(start[row], end[row], context[row], 20, 30)
        assert len(expected) == width * (width + 1) / 2
        spans = zip(starts[row].tolist(), ends[row].tolist(), strict=True)
        assert list(spans)[: len(expected)] == [span[1:] for span in expected]
        assert (scores[row, len(expected) :] == -np.inf).all()


@given(st.integers(1, 5), st.integers(1, 12), st.integers(0, 10**6), st.data())
def test_the_largest_values_and_of_equal_ones_the_first(rows, width, seed, data):
    count = data.draw(st.integers(1, width))
    values = np.random.default_rng(seed).choice([-np.inf, -2.5, -1.0, 0.0, 1.5], (rows, width)).astype(np.float32)
    expected = np.sort(np.argsort(-values, axis=1, kind="stable")[:, :count], axis=1)
    assert np.sort(largest(torch.from_numpy(values), count).numpy(), axis=1).tolist() == expected.tolist()


def test_other_devices_choose_by_topk():
    assert largest(torch.empty(3, 7, device="meta"), 4).shape == (3, 4)


def test_spans_of_all_windows_of_a_question_are_merged():
    null = np.array([3.0, 1.0, 9.0])
    spans = WindowSpans(
        scores=np.array([[5.0, 1.0], [7.0, 5.0], [2.0, -np.inf]]),
        starts=np.array([[1, 2], [3, 0], [4, 5]]),
        ends=np.array([[1, 3], [4, 0], [4, 6]]),
        null=null,
    )
    merged = merge_windows(spans, question=np.array([0, 0, 1]), shift=np.array([0, 1, 2]), count=2)
    assert merged.scores.tolist() == [[7.0, 5.0], [2.0, -np.inf]]
    assert (merged.starts[0].tolist(), merged.ends[0].tolist()) == ([4, 1], [5, 1])  # (1, 1) is in both windows
    assert (merged.starts[1, 0], merged.ends[1, 0]) == (6, 6)
    assert merged.null.tolist() == [1.0, 9.0]
    assert merged.no_answer == pytest.approx([1 / (1 + np.exp(6)), 1 / (1 + np.exp(-7))])
    shares = np.exp([7, 5, 1]) / np.exp([7, 5, 1]).sum()
    assert merged.probabilities()[0] == pytest.approx(shares)
    assert merged.probabilities()[1] == pytest.approx([1 / (1 + np.exp(7)), 0, 1 / (1 + np.exp(-7))])


def test_a_span_in_two_windows_is_kept_once():
    place = np.zeros((2, 2), int)
    spans = WindowSpans(np.array([[3.0, -np.inf], [2.0, -np.inf]]), place, place, np.zeros(2))
    merged = merge_windows(spans, question=np.array([0, 0]), shift=np.array([4, 4]), count=1)
    assert merged.scores.tolist() == [[3.0, -np.inf]]


@pytest.mark.parametrize("spans", list(itertools.combinations([(s, e) for s in range(4) for e in range(s, 4)], 2)))
def test_different_spans_are_not_taken_for_one(spans):
    places = np.array(spans)
    windows = WindowSpans(
        np.array([[3.0], [2.0]]).repeat(2, 1), places[:, :1].repeat(2, 1), places[:, 1:].repeat(2, 1), np.zeros(2)
    )
    merged = merge_windows(windows, question=np.array([0, 0]), shift=np.array([0, 0]), count=1)
    assert list(zip(merged.starts[0].tolist(), merged.ends[0].tolist(), strict=True)) == list(spans)
    assert merged.scores.tolist() == [[3.0, 2.0]]


def merge_in_python(windows, question, shift, count):
    """`merge_windows` in plain Python: all spans of a question in a dict."""
    merged = []
    for number in range(count):
        spans, null = {}, np.inf
        for row in np.flatnonzero(question == number):
            null = min(null, windows.null[row])
            for score, start, end in zip(windows.scores[row], windows.starts[row], windows.ends[row], strict=True):
                if np.isfinite(score):
                    key = int(start + shift[row]), int(end + shift[row])
                    spans[key] = max(score, spans.get(key, -np.inf))
        best = sorted(spans.items(), key=lambda span: -span[1])[: windows.scores.shape[1]]
        merged.append(([(*key, float(score)) for key, score in best], float(null)))
    return merged


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 12))
def test_merging_equals_plain_python(seed, n_best, count):
    rng = np.random.default_rng(seed)
    question = np.repeat(np.arange(count), rng.integers(1, 5, count))
    shape = (len(question), n_best)
    scores = -np.sort(-rng.normal(size=shape).astype(np.float32), axis=1)
    scores[rng.random(shape) < 0.2] = -np.inf
    scores = -np.sort(-scores, axis=1)
    # Any different spans of a window: of a few starts and ends, so that one of them is in several windows.
    pairs = np.stack([rng.choice(30, n_best, replace=False) for _ in question])
    starts, ends = pairs // 5, pairs // 5 + pairs % 5
    windows = WindowSpans(scores, starts, ends, rng.normal(size=len(question)))
    shift = rng.integers(0, 8, len(question))
    arguments = windows, question, shift, count
    merged, expected = merge_windows(*arguments), merge_in_python(*arguments)
    for number, (spans, null) in enumerate(expected):
        kept = np.isfinite(merged.scores[number])
        columns = (values[number][kept].tolist() for values in (merged.starts, merged.ends, merged.scores))
        assert list(zip(*columns, strict=True)) == spans
        assert merged.null[number] == null


@given(
    starts=arrays(np.float32, (3, 9), elements=st.integers(-3, 3)),
    ends=arrays(np.float32, (3, 9), elements=st.integers(-3, 3)),
    context=arrays(bool, (3, 9)),
    n_best=st.integers(1, 30),
    longest=st.integers(1, 9),
)
def test_spans_in_numpy_are_those_of_tensors(starts, ends, context, n_best, longest):
    """Of equal spans, too, and in windows that are shorter than the number of spans kept."""
    found = best_window_spans(starts, ends, context, n_best, longest)
    expected = best_spans(*map(torch.from_numpy, (starts, ends, context)), n_best, longest)
    exists = np.isfinite(found.scores)
    for values, tensor in zip((found.scores, found.starts, found.ends, found.null), expected, strict=True):
        assert values.shape == tensor.shape
        where = exists if values.ndim == 2 else ...
        assert (values[where] == tensor.numpy()[where]).all()
    assert (exists == torch.isfinite(expected[0]).numpy()).all()
