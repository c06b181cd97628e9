"""What an optimizer that was loaded from a checkpoint has of the settings of its run."""

import copy

import pytest
import torch
from transformers import get_scheduler

from bert_finetune_kit.training.optimizer import group_settings, restore_settings

PARAMETERS = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))]


def make(steps, rate=1e-3, decay=0.1, kind="linear"):
    """Return an optimizer of two groups, the second with half the rate, and its scheduler with a warmup of 2 steps."""
    groups = [{"params": [p], "lr": rate / n, "weight_decay": decay} for n, p in enumerate(PARAMETERS, start=1)]
    optimizer = torch.optim.AdamW(groups)
    settings = group_settings(optimizer)
    return optimizer, get_scheduler(kind, optimizer, num_warmup_steps=2, num_training_steps=steps), settings


def resume(saved_steps, taken, **settings):
    """Return an optimizer and scheduler resumed from those of `saved_steps` steps, of which some were taken."""
    before, schedule, _ = make(saved_steps)
    for _ in range(taken):
        before.step()
        schedule.step()
    optimizer, scheduler, own = make(**settings)
    optimizer.load_state_dict(copy.deepcopy(before.state_dict()))
    scheduler.load_state_dict(schedule.state_dict())
    loaded = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    restore_settings(optimizer, scheduler, own)
    return optimizer, scheduler, loaded


@pytest.mark.parametrize("taken", [0, 1, 2, 5, 7])
def test_with_the_same_settings_nothing_changes(taken):
    optimizer, scheduler, loaded = resume(7, taken, steps=7)
    assert (optimizer.state_dict(), scheduler.state_dict()) == loaded


def test_the_rates_of_a_longer_schedule_from_its_first_step_on():
    optimizer, scheduler, _ = resume(6, 6, steps=12)
    for step in range(6, 12):
        rate = 1e-3 * (12 - step) / (12 - 2)
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([rate, rate / 2])
        assert scheduler.get_last_lr() == pytest.approx([rate, rate / 2])
        optimizer.step()
        scheduler.step()


def test_a_forced_resume_has_the_settings_that_it_asks_for():
    optimizer, scheduler, _ = resume(10, 6, steps=10, rate=1e-2, decay=0.5)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1e-2 / 2, 1e-2 / 4])
    assert scheduler.base_lrs == [1e-2, 5e-3]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.5]


def test_rates_that_depend_on_more_than_the_step_are_kept():
    optimizer, _, settings = make(4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    optimizer.param_groups[0]["lr"] = 1e-7
    restore_settings(optimizer, scheduler, settings)
    assert optimizer.param_groups[0]["lr"] == 1e-7
