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


class NonFiniteLossError(KitError):
    """The training loss became NaN or infinite."""


class DeviceMemoryError(KitError):
    """A device ran out of memory; the message has settings that need less."""


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


def unknown_setting(name: str, names: Sequence[str]) -> str:
    """Return the fault of a setting that does not exist, with the name that is most similar.

    >>> unknown_setting("max-lenght", ["max_length"])
    "there is no setting 'max-lenght'; did you mean 'max_length'?"
    """
    match = get_close_matches(name.replace("-", "_"), names, 1)
    return f"there is no setting {name!r}" + (f"; did you mean {match[0]!r}?" if match else "")


def check_names(given: Iterable[str], names: Sequence[str], subject: str) -> None:
    """Check that settings exist.

    Raises:
        ConfigError: with every one that does not.
    """
    raise_faults([unknown_setting(str(name), names) for name in given if name not in names], subject)
