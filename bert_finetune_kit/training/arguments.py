"""The Trainer's arguments: as they are given, with defaults that give way, as `KitTrainer` needs them, what follows."""

import copy
import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from transformers import SchedulerType, TrainingArguments
from transformers.trainer_utils import SaveStrategy
from transformers.utils import is_torch_xla_available

PLATEAU_SCHEDULERS = (SchedulerType.REDUCE_ON_PLATEAU, SchedulerType.GREEDY)
"""Schedulers that change the learning rate by the score of each evaluation."""

_WORKERS = 2  # a batch of pairs with masked words takes half as long as a training step of BERT-base on an H200


@dataclass
class RecipeArguments(TrainingArguments):
    """`TrainingArguments` in which a score and a direction for the best checkpoint that are not given stay None.

    `TrainingArguments` fills in `loss`, and for every name that does not end in `loss` that greater is better; what is
    filled in can then not be told from what is given.
    """

    heading: ClassVar[str] = "Trainer"
    essential: ClassVar[tuple[str, ...]] = (
        "output_dir", "num_train_epochs", "max_steps", "learning_rate", "per_device_train_batch_size",
        "gradient_accumulation_steps", "warmup_steps", "weight_decay", "eval_strategy", "load_best_model_at_end",
        "metric_for_best_model", "bf16", "fp16", "seed", "report_to", "push_to_hub", "hub_model_id",
    )  # fmt: skip
    """What the short help of a command line shows."""

    def __post_init__(self) -> None:
        given = self.metric_for_best_model, self.greater_is_better
        super().__post_init__()
        self.metric_for_best_model, self.greater_is_better = given


def given_best_metric(args: TrainingArguments) -> tuple[str | None, bool | None]:
    """Return the score to choose the best checkpoint by and whether greater is better, each None where not given.

    Of plain `TrainingArguments`, what they would have filled in themselves counts as not given.
    """
    metric, greater = args.metric_for_best_model, args.greater_is_better
    if isinstance(args, RecipeArguments) or metric is None:
        return metric, greater
    filled_in = not metric.endswith("loss")
    return None if metric == "loss" else metric, None if greater == filled_in else greater


def plain_arguments(args: TrainingArguments) -> TrainingArguments:
    """Return a copy of the arguments that others can unpickle and print without the kit."""
    if not isinstance(args, RecipeArguments):
        return copy.copy(args)
    plain = TrainingArguments.__new__(TrainingArguments)  # __init__ would fill in what the copy must not have
    vars(plain).update(vars(args))
    return plain


def fitting_defaults(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults that go with the arguments that are given.

    A number of steps asks for the strategy `steps`. Where the best checkpoint is to be loaded, evaluations and
    checkpoints must fall together: a strategy that is not given follows the one that is. Where they do not fall
    together nevertheless, the best checkpoint is loaded only if that is given.

    Args:
        defaults: Trainer arguments by name.
        given: the same, as a user gives them; None is not given.

    >>> defaults = {"eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True}
    >>> fitting_defaults(defaults, {"eval_strategy": "no"})["load_best_model_at_end"]
    False
    >>> fitting_defaults(defaults, {"save_steps": 8})["eval_steps"]
    8
    """
    given = {name: value for name, value in given.items() if value is not None}
    result = dict(defaults)
    for kind in ("eval", "save", "logging"):
        if f"{kind}_steps" in given and f"{kind}_strategy" not in given:
            result[f"{kind}_strategy"] = "steps"
    if (result | given).get("load_best_model_at_end"):
        result |= _together(result | given, given)
        if "load_best_model_at_end" not in given and not can_load_best(result | given):
            result["load_best_model_at_end"] = False
    return result


def _together(values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return strategies and steps that are not given, so that evaluations and checkpoints fall together.

    Args:
        values: Trainer arguments by name, defaults included.
        given: those that are given.
    """
    follows = {}
    strategies = {kind: values[f"{kind}_strategy"] for kind in ("eval", "save")}
    chosen = [kind for kind in strategies if {f"{kind}_strategy", f"{kind}_steps"} & given.keys()]
    if len(chosen) == 1 and strategies[chosen[0]] in ("steps", "epoch"):
        follows = {f"{kind}_strategy": strategies[chosen[0]] for kind in strategies if kind not in chosen}
        strategies = dict.fromkeys(strategies, strategies[chosen[0]])
    if set(strategies.values()) == {"steps"}:
        if "eval_steps" in given or ("save_steps" not in given and "eval_strategy" in given):
            steps = {"save_steps": _steps("eval", values)}
        else:
            steps = {"eval_steps": _steps("save", values)}
        follows |= {name: value for name, value in steps.items() if name not in given}
    return follows


def _steps(kind: str, values: Mapping[str, Any]) -> float:
    """Return after how many steps, or which share of them, there is an evaluation or a checkpoint."""
    steps = values.get(f"{kind}_steps")
    if kind == "eval" and not steps:
        return float(values.get("logging_steps") or TrainingArguments.logging_steps)
    return TrainingArguments.save_steps if steps is None else steps


def can_load_best(values: Mapping[str, Any]) -> bool:
    """Return whether the steps that are evaluated have checkpoints, so that the best one can be loaded.

    Args:
        values: Trainer arguments by name.
    """
    evaluations, checkpoints = values.get("eval_strategy", "no"), values.get("save_strategy", "steps")
    if evaluations == "no" or checkpoints == "best":
        return bool(evaluations != "no")
    if evaluations != "steps" or checkpoints != "steps":
        return bool(evaluations == checkpoints)
    eval_steps, save_steps = _steps("eval", values), _steps("save", values)
    if (eval_steps < 1) != (save_steps < 1):
        return False  # a share of the steps and a number of them
    scale = 1_000_000 if eval_steps < 1 else 1
    return bool(eval_steps) and (save_steps * scale) % (eval_steps * scale) == 0


def machine_settings() -> dict[str, Any]:
    """Return Trainer arguments that suit this machine.

    That is `use_cpu` to have bf16 on CPUs, another AdamW on XLA, and on a GPU processes that prepare batches, so that
    it does not wait for them. What is trained is the same with any number of them. Where a new process would have to
    import everything again, there are none.
    """
    if is_torch_xla_available():
        return {"optim": "adamw_torch"}  # the Trainer's own, fused, refuses tensors of XLA
    if torch.cuda.is_available():
        forks = multiprocessing.get_all_start_methods()[0] == "fork"  # the first is the default
        return {"dataloader_num_workers": _WORKERS} if forks else {}
    return {} if torch.accelerator.is_available() else {"use_cpu": True}


def decides_by_score(args: TrainingArguments) -> bool:
    """Return whether a checkpoint or the learning rate depends on the score of evaluations."""
    return bool(
        args.load_best_model_at_end
        or args.save_strategy == SaveStrategy.BEST
        or args.lr_scheduler_type in PLATEAU_SCHEDULERS
    )


def adapt_arguments(args: TrainingArguments) -> TrainingArguments:
    """Return a copy of the arguments that suits the device, the kit's examples and its checkpoints."""
    args = copy.copy(args)
    if args.device.type in ("cpu", "xla"):
        args.dataloader_pin_memory = False  # there is nothing to pin for, and torch warns of it at each epoch
    if args.device.type == "cuda" and args.dataloader_pin_memory:  # batches are copied while the step before computes
        config: Any = copy.copy(args.accelerator_config)
        config.non_blocking = True
        args.accelerator_config = config
    args.logging_nan_inf_filter = False  # it waits for the device in each step; `LossWatch` finds such losses
    if args.device.type == "xla" and args.eval_accumulation_steps is None:
        args.eval_accumulation_steps = 1  # outputs kept on the device would grow: a new shape for every batch
    if args.metric_for_best_model is None:  # no score decides, or nothing is trained: the Trainer would refuse these
        args.load_best_model_at_end = False
        args.save_strategy = SaveStrategy.NO if args.save_strategy == SaveStrategy.BEST else args.save_strategy
    # The Trainer would leave the weights in 16 bits after an evaluation; see `forward_in`.
    args.bf16_full_eval = args.fp16_full_eval = False
    args.remove_unused_columns = False  # examples hold nothing but what the collator takes
    args.save_total_limit = None  # CheckpointCallback deletes old checkpoints once the new one is valid
    # The recipe pushes, once everything is on the disk; the Trainer would write the token into training_args.bin.
    args.push_to_hub, args.hub_token = False, None
    if args.ddp_find_unused_parameters is None:
        args.ddp_find_unused_parameters = False  # `with_unused_weights` has set it where there are any
    return args


def effective_batch(args: TrainingArguments) -> int:
    """Return how many examples an optimizer step takes, over all processes and micro-batches."""
    return args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
