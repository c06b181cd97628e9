"""What must be the same for two runs to be one: for going on from a checkpoint, and for runs of several seeds."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from datasets.fingerprint import Hasher
from transformers import TrainingArguments

from ..errors import OutputError
from ..reporting.report import RunReport, describe_object, package_versions
from .checkpoints import differences, fingerprint_of
from .preflight import effective_batch

# Of the Trainer's arguments, those that a finished run of another seed must share.
_WHAT_TRAINS = (
    "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
    "weight_decay", "warmup_steps", "bf16", "fp16",
)  # fmt: skip
# Of the Trainer's arguments, those that change what comes out of the steps after a checkpoint.
_WHAT_DECIDES = (
    "learning_rate", "num_train_epochs", "max_steps", "weight_decay", "warmup_steps", "lr_scheduler_type", "optim",
    "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "bf16", "fp16", "seed", "data_seed",
    "label_smoothing_factor",
)  # fmt: skip
# Of a recipe's settings, those that do not.
_WHAT_DOES_NOT = ("early_stopping_patience",)
# Packages of which another version may compute other numbers.
_WHOSE_VERSION = ("bert_finetune_kit", "torch", "transformers")
_EXAMPLES_HASHED = 100


def fingerprint(args: TrainingArguments, config: Any, model: Any, train: Any) -> dict[str, Any]:
    """Return what a checkpoint depends on, as plain data: what must be the same for a run to go on from it.

    Args:
        args: the Trainer's arguments.
        config: settings of the recipe, a dataclass.
        model: what to start from, as the recipe was given it.
        train: examples to train on; a hundred of them, evenly chosen, are looked at.
    """
    said = args.to_dict()
    some = range(0, len(train), max(1, len(train) // _EXAMPLES_HASHED))
    return {
        **{name: said[name] for name in _WHAT_DECIDES if name in said},
        "effective batch": effective_batch(args),
        **{name: value for name, value in asdict(config).items() if name not in _WHAT_DOES_NOT},
        **{f"version of {name}": version for name, version in package_versions().items() if name in _WHOSE_VERSION},
        "model": describe_object(model),
        "training examples": len(train),
        "data": Hasher.hash([train[(0, number, True)] for number in some]),
    }


def check_resumable(checkpoint: Path, ours: Mapping[str, Any], force: bool) -> list[str]:
    """Check that going on from a checkpoint gives what the run that made it would have given.

    Args:
        checkpoint: a whole one.
        ours: fingerprint of what is asked for.
        force: go on all the same.

    Returns:
        What differs, in words; something only where it is forced.

    Raises:
        OutputError: it was made with other data, another model, other settings or versions.
    """
    different = differences(fingerprint_of(checkpoint), ours)
    if force or not different:
        return [f"mixed: up to {checkpoint.name}, {one}" for one in different]
    raise OutputError(
        "\n".join(
            [
                f"{checkpoint} was made with other settings, and going on from it would mix two runs:",
                *(f"  - {one}" for one in different),
                "Set them back, choose another output_dir, delete that folder, or mix them all the same with "
                "force=True (--force).",
            ]
        )
    )


def differing_settings(report: RunReport, args: TrainingArguments, config: Any, model: Any) -> list[str]:
    """Return in words which settings of a finished run, but for its seed, are not those asked for.

    Args:
        report: of the run.
        args: the Trainer's arguments.
        config: settings of the recipe, a dataclass.
        model: what to start from, as the recipe was given it.
    """
    training, saved = args.to_dict(), report.settings
    ours = {**{name: training[name] for name in _WHAT_TRAINS}, **asdict(config), "model": describe_object(model)}
    theirs = {**saved["training"], **saved["recipe"], "model": saved["model"]["given"]}
    return [
        f"{name} {theirs.get(name)!r}, and {value!r} is asked for"
        for name, value in ours.items()
        if theirs.get(name) != value
    ]


def check_same_settings(report: RunReport, folder: Path, args: TrainingArguments, config: Any, model: Any) -> None:
    """Check that a finished run had these settings, but for its seed; see `differing_settings`.

    Raises:
        OutputError: it had others.
    """
    faults = [f"{folder} was run with {one}" for one in differing_settings(report, args, config, model)]
    if faults:
        raise OutputError("\n".join([*faults, "Choose another output_dir, or delete that folder."]))
