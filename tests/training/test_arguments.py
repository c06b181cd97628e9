"""Defaults of the Trainer's arguments give way to what is given; what is not given stays recognizable."""

import itertools
import pickle

import pytest
import torch
from small_recipes import KINDS
from transformers import TrainingArguments

from bert_finetune_kit import ConfigError
from bert_finetune_kit.training.arguments import (
    RecipeArguments,
    adapt_arguments,
    can_load_best,
    fitting_defaults,
    given_best_metric,
    plain_arguments,
)

VALUES = {
    "eval_strategy": (None, "no", "steps", "epoch"),
    "save_strategy": (None, "no", "steps", "epoch", "best"),
    "load_best_model_at_end": (None, True, False),
    "metric_for_best_model": (None, "eval_loss"),
    "eval_steps": (None, 4, 0.1),
    "save_steps": (None, 8, 0.2),
}
GIVEN = [
    {name: value for name, value in zip(VALUES, values, strict=True) if value is not None}
    for values in itertools.product(*VALUES.values())
]


@pytest.mark.parametrize("kind", KINDS.values())
def test_defaults_give_way_to_everything_that_can_be_given(kind):
    """What is given is what the Trainer gets; only a given load_best_model_at_end can be refused by it."""
    for given in GIVEN:
        arguments = fitting_defaults(kind.defaults, given) | given
        assert arguments.items() >= given.items()
        if "load_best_model_at_end" not in given:
            assert can_load_best(arguments) or not arguments.get("load_best_model_at_end"), given


@pytest.mark.parametrize("kind", KINDS.values())
def test_the_trainer_takes_them(kind):
    """A part of all combinations: each builds a device and a state of Accelerate."""
    for given in GIVEN[::7]:
        if given.get("load_best_model_at_end") and not can_load_best(fitting_defaults(kind.defaults, given) | given):
            continue
        args = kind.default_args("unused", **given)
        assert {name: getattr(args, name) for name in given} == given


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True}),
        ({"save_strategy": "steps", "save_steps": 8, "eval_strategy": "no"}, {"load_best_model_at_end": False}),
        ({"save_strategy": "no"}, {"eval_strategy": "epoch", "load_best_model_at_end": False}),
        ({"save_steps": 8}, {"eval_strategy": "steps", "eval_steps": 8, "load_best_model_at_end": True}),
        ({"eval_steps": 4}, {"save_strategy": "steps", "save_steps": 4, "load_best_model_at_end": True}),
        ({"eval_steps": 4, "save_steps": 8}, {"save_strategy": "steps", "load_best_model_at_end": True}),
        ({"eval_steps": 3, "save_steps": 8}, {"load_best_model_at_end": False}),
        ({"eval_steps": 0.1, "save_steps": 8}, {"load_best_model_at_end": False}),
        ({"eval_strategy": "steps"}, {"save_strategy": "steps", "save_steps": 0.02, "load_best_model_at_end": True}),
        ({"save_strategy": "best"}, {"eval_strategy": "epoch", "load_best_model_at_end": True}),
        ({"logging_steps": 5}, {"logging_strategy": "steps", "eval_strategy": "epoch"}),
        ({"eval_strategy": None}, {"eval_strategy": "epoch", "load_best_model_at_end": True}),
    ],
)
def test_a_strategy_that_is_not_given_follows_the_other(given, expected):
    assert fitting_defaults(KINDS["classification"].defaults, given).items() >= expected.items()


def test_on_a_command_line_and_in_a_settings_file_too(tmp_path):
    flags = ["--save_strategy", "steps", "--save_steps", "8", "--eval_strategy", "no"]
    for kind in KINDS.values():
        recipe, _ = kind.from_command_line(flags)
        assert (recipe.args.save_steps, recipe.args.load_best_model_at_end) == (8, False)
    (tmp_path / "settings.yaml").write_text("eval_steps: 4\n", "utf-8")
    recipe, _ = KINDS["question_answering"].from_command_line(["--config", str(tmp_path / "settings.yaml")])
    assert (recipe.args.eval_strategy, recipe.args.save_steps) == ("steps", 4)
    assert recipe.args.load_best_model_at_end
    with pytest.raises(ConfigError, match="load_best_model_at_end requires"):
        KINDS["classification"].from_command_line([*flags, "--load_best_model_at_end", "true"])


def test_settings_that_contradict_each_other_are_an_error_of_the_kit():
    with pytest.raises(ConfigError, match="save and eval strategy to match"):
        KINDS["pretraining"].default_args("unused", load_best_model_at_end=True, save_strategy="no")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (RecipeArguments, {}, (None, None)),
        (RecipeArguments, {"metric_for_best_model": "rmse"}, ("rmse", None)),
        (RecipeArguments, {"metric_for_best_model": "rmse", "greater_is_better": True}, ("rmse", True)),
        (RecipeArguments, {"metric_for_best_model": "loss"}, ("loss", None)),
        (
            RecipeArguments,
            {"greater_is_better": False, "lr_scheduler_type": "greedy", "eval_strategy": "epoch"},
            (None, False),
        ),
        # Plain arguments fill in a direction and the loss, which counts as not given.
        (TrainingArguments, {}, (None, None)),
        (TrainingArguments, {"lr_scheduler_type": "greedy", "eval_strategy": "epoch"}, (None, None)),
        (TrainingArguments, {"metric_for_best_model": "rmse"}, ("rmse", None)),
        (TrainingArguments, {"metric_for_best_model": "rmse", "greater_is_better": False}, ("rmse", False)),
        (TrainingArguments, {"metric_for_best_model": "my_loss", "greater_is_better": True}, ("my_loss", True)),
    ],
)
def test_what_is_given_is_told_from_what_is_filled_in(kind, given, expected):
    assert given_best_metric(kind("unused", use_cpu=True, **given)) == expected


def test_plain_arguments_need_no_kit():
    args = RecipeArguments("unused", use_cpu=True, learning_rate=0.1)
    plain = plain_arguments(args)
    assert type(plain) is TrainingArguments
    assert plain.learning_rate == 0.1
    assert b"bert_finetune_kit" not in pickle.dumps(plain)
    assert plain.to_dict() == args.to_dict()


def test_a_gpu_gets_batches_while_it_computes(monkeypatch, tmp_path):
    """From pinned memory; the arguments that were given stay as they are."""
    given = TrainingArguments(str(tmp_path), use_cpu=True)
    given.dataloader_pin_memory = True  # the default, without use_cpu
    monkeypatch.setattr(TrainingArguments, "device", torch.device("cuda"))
    args = adapt_arguments(given)
    assert (args.dataloader_pin_memory, args.accelerator_config.non_blocking) == (True, True)
    assert not given.accelerator_config.non_blocking
    assert not args.logging_nan_inf_filter  # it would wait for the GPU in each step
    assert args.optim == "adamw_torch_fused"


@pytest.mark.parametrize("recipe", KINDS)
@pytest.mark.parametrize(("methods", "workers"), [(["fork", "spawn"], 2), (["spawn", "fork"], None)])
def test_a_gpu_has_worker_processes_where_they_fork(monkeypatch, recipe, methods, workers):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: methods)
    defaults = KINDS[recipe].machine_defaults()
    assert defaults.get("dataloader_num_workers") == workers
    assert "use_cpu" not in defaults
