"""The vectorised search against the double loop over starts and ends."""

import numpy as np
import pytest
import torch

from bert_finetune_kit.question_answering.postprocess import WindowSpans, best_spans, merge_windows


def double_loop(start, end, context, n_best, longest):
    """The classic search: the best starts and ends of a window, every pair of them."""
    found = []
    for one in np.argsort(-start)[:n_best]:
        for other in np.argsort(-end)[:n_best]:
            if not context[one] or not context[other] or other < one or other - one + 1 > longest:
                continue
            found.append((start[one] + end[other], int(one), int(other)))
    return sorted(found, key=lambda span: -span[0])[:n_best]


@pytest.mark.parametrize("peaked", [0.0, 12.0])
@pytest.mark.parametrize(("n_best", "longest"), [(20, 30), (5, 3), (64, 64), (1, 1)])
def test_spans_are_those_of_the_double_loop(peaked, n_best, longest):
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
        told = list(zip(scores[row][kept].tolist(), starts[row][kept].tolist(), ends[row][kept].tolist(), strict=True))
        assert [span[1:] for span in told] == [span[1:] for span in expected]
        assert [span[0] for span in told] == pytest.approx([span[0] for span in expected])
        assert null[row].item() == pytest.approx(start[row, 0] + end[row, 0])
    assert not torch.isfinite(scores[8]).any()


def test_windows_of_a_question_are_joined():
    spans = WindowSpans(
        scores=np.array([[5.0, 1.0], [7.0, -np.inf], [2.0, 1.5]]),
        starts=np.array([[1, 2], [3, 0], [4, 5]]),
        ends=np.array([[1, 3], [4, 0], [4, 6]]),
        null=np.array([3.0, 1.0, 9.0]),
    )
    first, none, last = merge_windows(spans, np.array([0, 0, 2]), 3, n_best=3)
    assert first.scores.tolist() == [7.0, 5.0, 1.0]
    assert (first.windows.tolist(), first.starts.tolist(), first.ends.tolist()) == ([1, 0, 0], [3, 1, 2], [4, 1, 3])
    assert (first.null, first.margin) == (1.0, -6.0)
    assert first.no_answer_probability == pytest.approx(1 / (1 + np.exp(6)))
    assert len(none.scores) == 0
    assert none.no_answer_probability == 1
    assert last.margin == 7.0
    assert last.no_answer_probability > 0.99
