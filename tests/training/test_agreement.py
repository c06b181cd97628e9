"""The signal that any of several processes has received."""

import signal

import pytest
import torch

from bert_finetune_kit.training.agreement import Agreement, agreement

CPU = torch.device("cpu")


def other_process(signals):
    """Return a `gather` that adds the signal of another process, one for each step."""
    received = iter(signals)
    return lambda own: torch.cat([own, torch.tensor([next(received)])])


def test_one_process_agrees_with_itself():
    agree = agreement(None, CPU, 1)
    assert [agree(None), agree(signal.SIGTERM)] == [None, signal.SIGTERM]


@pytest.mark.parametrize(("late", "expected"), [(False, [None, 15, 15]), (True, [None, None, 15])])
def test_all_take_the_signal_of_any(late, expected):
    """At once on CPUs; on GPUs when the copy of the step before is there."""
    agree = Agreement(other_process([0, 15, 0]), CPU, (lambda number: lambda: int(number)) if late else None)
    assert [agree(own) for own in (None, None, signal.SIGTERM)] == expected
