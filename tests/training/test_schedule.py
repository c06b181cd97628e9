"""A training that cannot change a weight is refused before it starts."""

import math

import pytest
import torch
from datasets import Dataset
from torch import nn
from transformers import TrainingArguments

from bert_finetune_kit import ClassificationConfig, ClassificationRecipe, ClassificationTask, ConfigError
from bert_finetune_kit.training.checks import argument_faults
from bert_finetune_kit.training.schedule import (
    check_learning,
    first_learning_step,
    learning_faults,
    learning_notes,
    learning_rates,
    schedule_rows,
)


def arguments(**settings):
    return TrainingArguments("unused", use_cpu=True, **settings)


@pytest.mark.parametrize(
    ("settings", "steps", "first"),
    [
        ({}, 1, 1),
        ({"warmup_steps": 0.1}, 1, None),  # the only step is the first one of the warmup
        ({"warmup_steps": 0.1}, 2, 2),
        ({"warmup_steps": 5}, 3, 2),
        ({"lr_scheduler_type": "constant", "warmup_steps": 5}, 1, 1),
        ({"lr_scheduler_type": "constant_with_warmup", "warmup_steps": 1}, 1, None),
        ({"lr_scheduler_type": "cosine", "warmup_steps": 0.1}, 20, 2),
        ({"lr_scheduler_type": "reduce_lr_on_plateau", "eval_strategy": "epoch"}, 1, 1),
        ({"learning_rate": 0.0}, 9, None),
        ({}, 0, None),
    ],
)
def test_the_first_step_that_changes_a_weight(settings, steps, first):
    assert first_learning_step(arguments(**settings), steps) == first


def test_learning_rates_are_those_of_the_linear_schedule():
    rates = list(learning_rates(arguments(learning_rate=1.0, warmup_steps=2), 6))
    assert rates == pytest.approx([0, 0.5, 1, 0.75, 0.5, 0.25])


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant_with_warmup", "polynomial"])
def test_the_schedule_of_a_report_is_that_of_the_training(kind):
    args = arguments(learning_rate=0.5, warmup_steps=7, lr_scheduler_type=kind)
    rates = list(learning_rates(args, 50))
    rows = schedule_rows(args, 50, 40)
    assert [row["step"] for row in rows] == list(range(1, 41))
    assert [row["learning_rate"] for row in rows] == pytest.approx(rates[:40])


def test_a_long_schedule_keeps_its_peak_and_its_last_step():
    args = arguments(learning_rate=0.5, warmup_steps=1_234)
    rows = schedule_rows(args, 1_000_000, 900_000)
    assert len(rows) <= 203
    assert {"step": 1_235, "learning_rate": 0.5} in rows
    assert rows[-1]["step"] == 900_000


def test_a_schedule_that_looks_at_scores_is_not_told_in_advance():
    assert schedule_rows(arguments(lr_scheduler_type="reduce_lr_on_plateau", eval_strategy="epoch"), 50, 50) == []


def test_what_leaves_all_weights_as_they_are():
    model = nn.Linear(2, 2)
    assert not list(learning_faults(arguments(), model, examples=3))
    for settings, message in (
        ({"learning_rate": 0.0}, "learning_rate is 0"),
        (
            {"num_train_epochs": 1, "warmup_steps": 0.1},
            r"3 examples give 1 step, .*warmup_steps=0\.1.*set warmup_steps=0",
        ),
        ({"lr_scheduler_kwargs": {"no": 1}, "lr_scheduler_type": "cosine"}, "'cosine', which does not take these"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_learning([(arguments(), 30), (arguments(**settings), 3)], model)
    model.requires_grad_(False)
    with pytest.raises(ConfigError, match="all weights are frozen"):
        check_learning([(arguments(), 3)], model)


def test_a_warmup_as_long_as_the_training_is_a_note():
    assert list(learning_notes(arguments(max_steps=4, warmup_steps=10), 3)) == [
        "the warmup of 10 steps is not over after 4 steps: the learning rate is never reached"
    ]
    assert not list(learning_notes(arguments(max_steps=4, warmup_steps=3), 3))
    assert not list(learning_notes(arguments(max_steps=4, warmup_steps=9, lr_scheduler_type="constant"), 3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_train_epochs": 0}, "num_train_epochs is 0"),
        ({"num_train_epochs": -1}, "num_train_epochs is -1"),
        ({"num_train_epochs": math.nan}, "num_train_epochs is nan"),
        ({"num_train_epochs": math.inf}, "num_train_epochs is inf"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"weight_decay": math.nan}, "weight_decay is nan"),
        ({"max_grad_norm": math.nan}, "max_grad_norm is nan"),
        ({"adam_beta2": 1.0}, "adam_beta2 is 1.0"),
        ({"adam_epsilon": -1e-8}, "adam_epsilon is -1e-08"),
        ({"save_strategy": "best"}, "save_strategy is 'best', and eval_strategy is 'no'"),
        ({"load_best_model_at_end": True, "save_strategy": "no"}, "load_best_model_at_end is set, and eval_strategy"),
    ],
)
def test_numbers_with_which_nothing_can_be_trained(settings, message):
    (fault,) = argument_faults(arguments(**settings))
    assert message in fault


def test_several_gpus_in_one_process_are_refused(monkeypatch):
    monkeypatch.setattr(TrainingArguments, "n_gpu", 2)
    (fault,) = argument_faults(arguments())
    assert all(words in fault for words in ("2 GPUs", "CUDA_VISIBLE_DEVICES=0", "torchrun --nproc_per_node 2"))


@pytest.mark.parametrize(
    ("device", "mode", "accumulation", "faults"),
    [
        ("cuda", "reduce-overhead", 2, 1),
        ("cuda", "max-autotune", 2, 1),
        ("cuda", "reduce-overhead", 1, 0),
        ("cuda", "max-autotune-no-cudagraphs", 2, 0),
        ("cuda", None, 2, 0),
        ("cpu", "reduce-overhead", 2, 0),
    ],
)
def test_cuda_graphs_overwrite_accumulated_gradients(monkeypatch, device, mode, accumulation, faults):
    args = arguments(torch_compile_mode=mode, gradient_accumulation_steps=accumulation)
    monkeypatch.setattr(TrainingArguments, "device", torch.device(device))
    found = list(argument_faults(args))
    assert len(found) == faults
    assert all("'default'" in fault and "max-autotune-no-cudagraphs" in fault for fault in found)


def test_numbers_that_are_unusual_and_work():
    for settings in ({"num_train_epochs": 0, "max_steps": 2}, {"max_grad_norm": math.inf}, {"num_train_epochs": 0.01}):
        assert not list(argument_faults(arguments(**settings)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_train_epochs": 1, "per_device_train_batch_size": 8}, "3 examples give 1 step"),
        ({"max_steps": 4, "learning_rate": 0.0}, "learning_rate is 0"),
        ({"num_train_epochs": 0}, "num_train_epochs is 0"),
    ],
)
def test_a_run_that_cannot_learn_is_refused(tmp_path, tokenizer, config, settings, message):
    rows = Dataset.from_dict({"text": ["good", "bad", "good day"], "label": ["a", "b", "a"]})
    recipe = ClassificationRecipe(
        ClassificationTask("t"), {"train": rows, "validation": rows}["train"], model=config, tokenizer=tokenizer,
        config=ClassificationConfig(max_length=16),
        args=ClassificationRecipe.default_args(str(tmp_path / "run"), **settings),
    )  # fmt: skip
    recipe.source = type(recipe.source)(train=rows, validation=rows)
    with pytest.raises(ConfigError, match=message):
        recipe.train()
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("kind", ["save", "eval", "logging"])
def test_a_number_of_steps_of_zero_is_refused(kind):
    settings = arguments(**{f"{kind}_strategy": "steps"})
    setattr(settings, f"{kind}_steps", 0)
    assert any(f"{kind}_steps is 0: with {kind}_strategy 'steps'" in fault for fault in argument_faults(settings))
