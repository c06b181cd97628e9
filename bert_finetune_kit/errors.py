"""The kit's own errors: each message says what was given, why it cannot work, and what to do."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class KitError(ValueError):
    """Base class of every error that the kit raises on purpose."""


class ConfigError(KitError):
    """Settings that cannot work; lists every fault, not only the first."""


class DataError(KitError):
    """A data set that is missing, empty, unreadable or of the wrong form."""


class ModelError(KitError):
    """A model or tokenizer that cannot be loaded or does not fit the rest."""


class OutputError(KitError):
    """An output folder that cannot be written or already holds a finished run."""


class ExportError(KitError):
    """An exported model that does not predict what the model predicts that it was made from."""


class NonFiniteLossError(KitError):
    """The training loss became NaN or infinite."""


class DeviceMemoryError(KitError):
    """A device ran out of memory; the message has settings that need less."""


class LostProcessError(KitError):
    """One of several processes that train together has ended, or does not answer."""


class HubError(KitError):
    """The Hub refused a push, or did not answer."""

    def __init__(self, message: str, final: bool) -> None:
        super().__init__(message)
        self.final = final


class RunStopped(KitError):
    """A training was stopped by a signal, and its state is saved."""

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


def raise_faults(faults: Iterable[str], subject: str) -> None:
    """Raise one `ConfigError` that lists all `faults`; do nothing when there are none.

    >>> raise_faults(["max_length is 3: at least 5 are needed"], "PretrainConfig")
    Traceback (most recent call last):
    bert_finetune_kit.errors.ConfigError: PretrainConfig: max_length is 3: at least 5 are needed
    """
    listed = list(faults)
    if not listed:
        return
    if len(listed) == 1:
        raise ConfigError(f"{subject}: {listed[0]}")
    lines = "\n".join(f"  - {fault}" for fault in listed)
    raise ConfigError(f"{subject} has {len(listed)} faults:\n{lines}")


# A setting → what other libraries and scripts call it.
_OTHER_NAMES = {
    "text": ("text_column", "text_column_name", "text_columns", "sentence1_key"),
    "text_column": ("text", "text_columns", "text_column_name"),
    "text_pair": ("text_pair_column", "sentence2_key"),
    "label": ("label_column", "label_columns", "label_column_name", "labels_column", "target"),
    "train": ("train_file", "train_data", "train_dataset", "dataset", "dataset_name", "data"),
    "source": ("train_file", "train_data", "train_dataset", "dataset", "dataset_name", "data", "train"),
    "validation": ("validation_file", "eval_file", "eval_data", "eval_dataset", "dev_file"),
    "model": ("model_name_or_path", "model_name", "pretrained"),
    "tokenizer": ("tokenizer_name",),
    "task": ("task_name",),
    "max_length": ("max_seq_length", "max_seq_len", "block_size"),
    "max_train_examples": ("max_train_samples",),
    "max_validation_examples": ("max_eval_samples",),
    "mlm_probability": ("mask_probability",),
    "output_dir": ("output", "folder"),
    "num_train_epochs": ("epoch", "epochs", "num_epochs", "n_epochs"),
    "max_steps": ("steps",),
    "learning_rate": ("lr",),
    "warmup_steps": ("warmup_ratio",),
    "eval_strategy": ("evaluation_strategy",),
    "per_device_train_batch_size": ("batch_size", "train_batch_size"),
    "per_device_eval_batch_size": ("eval_batch_size",),
}

# What has settings that others do not have → these.
_OWNERS = {
    "models that classify": (
        "text_pair", "label_separator", "kind", "metrics", "task", "class_weights", "new_head", "stride", "threshold",
        "label_sets", "label", "labels", "text", "group",
    ),
    "models that answer questions": (
        "question", "context", "doc_stride", "max_question_length", "n_best", "max_answer_length",
    ),
    "models that classify or answer": (
        "coverage", "max_risk", "lora", "layer_decay", "freeze_embeddings", "freeze_layers", "early_stopping_patience",
        "compute_metrics",
    ),
    "pretraining": (
        "objective", "pairs", "short_sequence_probability", "mlm_probability", "whole_word_masking", "max_predictions",
        "second_phase_length", "second_phase_share", "documents", "max_documents",
    ),
    "exported models that fill masks": ("top_k",),
}  # fmt: skip
_SHORT = 8  # names that a message can list


def unknown_name(kind: str, name: object, names: Iterable[str], known: str) -> str:
    """Return the fault of a name that is none of those known, with the one that is most similar; empty where it is one.

    Args:
        kind: what it names, such as `label`.
        name: as given.
        names: that are known.
        known: the clause that lists them, such as `use one of a, b`.

    >>> unknown_name("label", "ng", ["neg", "pos"], "the run has the labels neg, pos")
    "there is no label 'ng'; the run has the labels neg, pos. Did you mean 'neg'?"
    >>> unknown_name("label", "neg", ["neg", "pos"], "the run has the labels neg, pos")
    ''
    """
    names = list(names)
    if name in names:
        return ""
    similar = get_close_matches(str(name), names, n=1)
    return f"there is no {kind} {name!r}; {known}" + (f". Did you mean {similar[0]!r}?" if similar else "")


def unknown_setting(name: str, names: Sequence[str]) -> str:
    """Return the fault of a setting that does not exist, with the name that is most similar, or whose setting it is.

    >>> unknown_setting("max-lenght", ["max_length"])
    "there is no setting 'max-lenght'; did you mean 'max_length'?"
    >>> unknown_setting("lr", ["lr_scheduler_type", "learning_rate"])
    "there is no setting 'lr'; did you mean 'learning_rate'?"
    >>> unknown_setting("doc_stride", ["stride", "max_length"])
    "there is no setting 'doc_stride': it is for models that answer questions"
    """
    plain = name.replace("-", "_")
    match = [setting for setting, others in _OTHER_NAMES.items() if plain in others and setting in names]
    owner = next((owner for owner, settings in _OWNERS.items() if plain in settings), None)
    fault = f"there is no setting {name!r}"
    if owner is not None and not match:
        return f"{fault}: it is for {owner}"
    match = match or get_close_matches(plain, names, 1)
    if match:
        return f"{fault}; did you mean {match[0]!r}?"
    return f"{fault}: use {', '.join(names)}" if 0 < len(names) <= _SHORT else fault


def check_names(given: Iterable[str], names: Sequence[str], subject: str) -> None:
    """Check that settings exist.

    Raises:
        ConfigError: with every one that does not.
    """
    raise_faults([unknown_setting(str(name), names) for name in given if name not in names], subject)
