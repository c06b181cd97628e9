"""What the result of a run depends on, as plain data by name.

Every field of every settings object is in the fingerprint, so a field that a newer release brings is in it, too. Only
the fields listed here are omitted, each list with its reason. The Trainer's arguments have their own names; all other
names begin with what they are a setting of, so that none can replace another.
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import PreTrainedConfig, PreTrainedTokenizerBase, TrainingArguments
from transformers.utils import CONFIG_NAME

from ..compat.datasets import content_hash
from ..compat.transformers import get_attn_implementation as attention_of
from ..modeling.checkpoint_files import weights_sha256
from ..reporting.plain import package_versions

# Trainer arguments that cannot change the weights, the scores or which weights are saved.
_PLACES_AND_LOGS = (
    "output_dir", "run_name", "project", "trackio_space_id", "trackio_bucket_id", "trackio_static_space_id",
    "report_to", "disable_tqdm", "log_level", "log_level_replica", "log_on_each_node", "logging_strategy",
    "logging_steps", "logging_first_step", "logging_nan_inf_filter", "include_num_input_tokens_seen",
    "skip_memory_metrics", "debug", "do_train", "do_eval", "do_predict", "include_for_metrics",
)  # fmt: skip
_HUB = (
    "push_to_hub", "hub_token", "hub_private_repo", "hub_model_id", "hub_strategy", "hub_always_push", "hub_revision",
)  # fmt: skip
# When checkpoints are written, not what is in them.
_SAVING = (
    "save_strategy", "save_steps", "save_total_limit", "save_only_model", "save_on_each_node",
    "enable_jit_checkpoint", "resume_from_checkpoint", "ignore_data_skip", "restore_callback_states_from_checkpoint",
)  # fmt: skip
# On which machine, and how batches reach it: examples, masks and order are a function of (seed, epoch, index).
_MACHINE = (
    "use_cpu", "local_rank", "accelerator_config", "parallelism_config", "fsdp", "fsdp_config", "deepspeed",
    "ddp_find_unused_parameters", "ddp_bucket_cap_mb", "ddp_broadcast_buffers", "ddp_static_graph", "ddp_backend",
    "ddp_timeout", "average_tokens_across_devices", "torch_empty_cache_steps",
    "dataloader_num_workers", "dataloader_pin_memory", "dataloader_persistent_workers", "dataloader_prefetch_factor",
    "dataloader_multiprocessing_context", "dataloader_in_order", "per_device_eval_batch_size",
    "eval_accumulation_steps", "eval_use_gather_object",
    # These compute the same numbers twice.
    "activation_checkpointing", "activation_checkpointing_kwargs", "gradient_checkpointing",
    "gradient_checkpointing_kwargs",
)  # fmt: skip
# The recipes ignore or refuse these, or their product is in the fingerprint as "effective batch".
_NOT_USED = (
    "remove_unused_columns", "label_names", "length_column_name", "prediction_loss_only", "use_cache",
    "per_device_train_batch_size", "gradient_accumulation_steps",
)  # fmt: skip
# With load_best_model_at_end, though, only a step that has a checkpoint can be the best.
_BEST = ("save_strategy", "save_steps")
IRRELEVANT_ARGS = frozenset((*_PLACES_AND_LOGS, *_HUB, *_SAVING, *_MACHINE, *_NOT_USED))
# Of sources and tasks: which examples are used is covered by their digest, names and published scores only describe.
IRRELEVANT_SETTINGS = frozenset(
    ("source.train", "source.validation", "source.hub_config", "task.dataset", "task.hub_config", "task.published")
)
# Of a model's config: where it came from and what wrote it.
IRRELEVANT_MODEL_CONFIG = frozenset(
    ("_name_or_path", "transformers_version", "architectures", "dtype", "id2label", "label2id", "use_cache")
)
# Of peft's LoraConfig: how it is stored.
IRRELEVANT_LORA = frozenset(
    ("peft_version", "base_model_name_or_path", "revision", "inference_mode", "auto_mapping", "runtime_config")
)
# Packages of which another version may compute other digits.
_VERSIONS = ("bert_finetune_kit", "torch", "transformers")
VERSION = "version of "


def settings_fingerprint(settings: Mapping[str, Any], args: TrainingArguments) -> dict[str, Any]:
    """Return all settings of a run that can change its result, as plain data by name.

    Args:
        settings: what the recipe was built with: `model`, `tokenizer`, and as far as it has them `config`, `source`,
            `task` and `lora`.
        args: the Trainer's arguments.
    """
    return {
        **args_fingerprint(args),
        "effective batch": args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size,
        **{name: value for role, group in settings.items() for name, value in _fields(role, group)},
        **_model("model", settings.get("model")),
        **_model("tokenizer", settings.get("tokenizer")),
        **{f"{VERSION}{name}": version for name, version in package_versions().items() if name in _VERSIONS},
    }


def args_fingerprint(args: TrainingArguments) -> dict[str, Any]:
    """Return the Trainer's arguments that can change the result of a run."""
    irrelevant = IRRELEVANT_ARGS.difference(_BEST if args.load_best_model_at_end else ())
    return {name: _plain(value) for name, value in args.to_dict().items() if name not in irrelevant}


def data_fingerprint(train: Any, validation: Mapping[str, Any]) -> dict[str, Any]:
    """Return digests of the examples to train on and to evaluate on, of all of them.

    Args:
        train: examples with a method `digest`; of others, all examples of the first epoch are hashed.
        validation: the same by split.
    """
    digests = {"training examples": len(train), "data": _digest(train)}
    return digests | {f"{split} data": _digest(examples) for split, examples in validation.items()}


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a hash of what a tokenizer does with a text: its vocabulary and rules, and what is set beside them."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = tokenizer.get_vocab() if backend is None else backend.to_str()
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return content_hash([rules, special, tokenizer.truncation_side, tokenizer.model_input_names])


def _digest(examples: Any) -> str:
    if hasattr(examples, "digest"):
        return str(examples.digest())
    return content_hash([examples[(0, number, True)] for number in range(len(examples))])


def _fields(role: str, settings: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a settings object by `role.field`, and a single setting of a recipe by `recipe.role`."""
    if role in ("model", "tokenizer") or settings is None:
        return
    if type(settings).__name__ == "LoraConfig":
        yield from (
            (f"{role}.{name}", _plain(value))
            for name, value in settings.to_dict().items()
            if name not in IRRELEVANT_LORA
        )
    elif is_dataclass(settings):
        for name in (f"{role}.{field.name}" for field in fields(settings)):
            if name not in IRRELEVANT_SETTINGS:
                yield name, _plain(getattr(settings, name.removeprefix(f"{role}.")))
    else:
        yield f"recipe.{role}", _plain(settings)


def _model(role: str, given: Any) -> dict[str, Any]:
    """Return what identifies a model or tokenizer: its config, or its name and the digest of local weights."""
    if isinstance(given, PreTrainedConfig):
        config = given.to_dict()
        return {role: type(given).__name__, f"{role}.attention": attention_of(given)} | _config_fields(role, config)
    if isinstance(given, str | Path):
        digest = weights_sha256(given) if role == "model" else None
        file = Path(given) / CONFIG_NAME
        saved = json.loads(file.read_text("utf-8")) if role == "model" and file.is_file() else {}
        return {role: str(given), **_config_fields(role, saved)} | (
            {} if digest is None else {f"{role}.sha256": digest}
        )
    return {role: None if given is None else type(given).__name__}


def _config_fields(role: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a model's config that can change the result."""
    return {f"{role}.{name}": _plain(value) for name, value in config.items() if name not in IRRELEVANT_MODEL_CONFIG}


def _plain(value: Any) -> Any:
    """Return a setting as plain data that is the same in every process."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Dataset | DatasetDict):
        return type(value).__name__
    if inspect.isfunction(value):  # its code, too: two functions may have one name, such as <lambda>
        return f"{value.__qualname__} {content_hash(value)}"
    return getattr(value, "name", None) if isinstance(getattr(value, "name", None), str) else type(value).__name__
