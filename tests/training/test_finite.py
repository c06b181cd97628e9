"""The first loss that is not finite: at once on a CPU, and on a GPU when it is asked for."""

import math

import pytest
import torch

from bert_finetune_kit import NonFiniteLossError
from bert_finetune_kit.training.finite import LossWatch

LOSSES = ({"mlm": 2.0, "pair": 0.5}, {"mlm": math.inf, "pair": 0.25}, {"mlm": math.nan, "pair": math.nan})
MESSAGE = r"not finite at step 2 \(mlm inf, pair 0.25; learning rate 2.00e-05\)"


def terms(losses):
    return {name: torch.tensor(value) for name, value in losses.items()}


def test_a_cpu_is_asked_in_each_step():
    watch = LossWatch()
    watch.add(1, lambda: 1e-5, terms(LOSSES[0]))
    with pytest.raises(NonFiniteLossError, match=MESSAGE):
        watch.add(2, lambda: 2e-5, terms(LOSSES[1]))


class OnGpu(torch.Tensor):
    """A tensor that says it is on a GPU."""

    @property
    def device(self):
        return torch.device("cuda")


def test_a_gpu_keeps_the_first_one():
    watch = LossWatch()
    for step, losses in enumerate(LOSSES, start=1):
        on_gpu = {name: value.as_subclass(OnGpu) for name, value in terms(losses).items()}
        watch.add(step, lambda step=step: step * 1e-5, on_gpu)
    with pytest.raises(NonFiniteLossError, match=MESSAGE):
        watch.check()


def test_losses_that_are_finite_pass():
    watch = LossWatch()
    watch.check()
    watch.add(1, lambda: 1e-5, {"mlm": torch.tensor(1.0).as_subclass(OnGpu)})
    watch.check()
