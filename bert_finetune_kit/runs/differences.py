"""How the settings and data of two runs differ, in words, the most important first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..reporting.numbers import is_finite_number
from ..reporting.plain import to_plain
from .fingerprint import VERSION

# How long a run trains. A resumed run may train longer than it was begun with. What was trained so far depends on the
# first two through the schedule of the learning rate alone, and not at all on the patience.
EXTENDING = ("num_train_epochs", "max_steps", "config.early_stopping_patience")
# What a name begins with, from what changes most; the Trainer's arguments and the versions come after these.
_IMPORTANCE = (
    "recipe", "training examples", "data", "labels", "task", "model", "tokenizer", "lora", "source", "config",
)  # fmt: skip
_CONTENT = ("data", "tokenizer.content")  # digests, of which the values say nothing
# The same weights or the same tokenizer may have another name: a folder that was moved, an object in place of a file.
_SAME_BY_CONTENT = {"model": "model.sha256", "tokenizer": "tokenizer.content"}

Change = tuple[str, Any, Any]
"""Name, saved value and current value."""


@dataclass(frozen=True)
class Differences:
    """How a run that is asked for differs from the one that was made."""

    mixed: tuple[str, ...] = ()
    """Settings, data and models: the result would be of two runs."""
    versions: tuple[str, ...] = ()
    """Packages that may compute other digits."""
    extended: tuple[str, ...] = ()
    """Settings that make the run train longer, and change nothing else."""


def compare(saved: Mapping[str, Any], current: Mapping[str, Any]) -> Differences:
    """Return where two fingerprints differ, in words."""
    kinds: dict[str, list[str]] = {"mixed": [], "versions": [], "extended": []}
    for change in changes(saved, current):
        kind = "versions" if change[0].startswith(VERSION) else "extended" if is_extension(*change) else "mixed"
        kinds[kind].append(describe_difference(*change))
    return Differences(**{kind: tuple(lines) for kind, lines in kinds.items()})


def differences(saved: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return in words where two fingerprints differ, compared as JSON holds them."""
    return [describe_difference(*change) for change in changes(saved, current)]


def describe_difference(name: str, saved: Any, current: Any) -> str:
    """Return a change of a setting in words."""
    if name in _CONTENT:
        return {"data": "training examples have changed"}.get(name, "the content of the tokenizer has changed")
    if name.endswith(" data"):
        return f"{name.removesuffix(' data')} examples have changed"
    hint = ""
    if name == "max_steps" and is_finite_number(saved) and is_finite_number(current) and (saved > 0) != (current > 0):
        hint = " (a run that was begun in epochs trains longer with a larger num_train_epochs, and likewise in steps)"
    return f"{name} was {saved!r} and is now {current!r}{hint}"


def changes(saved: Mapping[str, Any], current: Mapping[str, Any]) -> list[Change]:
    """Return where two fingerprints differ, compared as JSON holds them, the most important first.

    Another recipe has other settings: of two recipes, only what both have is compared. The name of a model or tokenizer
    does not matter where its content is the same.
    """
    before = {name: to_plain(value) for name, value in saved.items()}
    now = {name: to_plain(value) for name, value in current.items()}
    names = dict.fromkeys([*before, *now])
    if before.get("recipe") != now.get("recipe"):
        names = {name: None for name in names if name == "recipe" or (name in before and name in now)}
    different = [(name, before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)]
    same = {name for name, digest in _SAME_BY_CONTENT.items() if before.get(digest) == now.get(digest) is not None}
    return sorted((change for change in different if change[0] not in same), key=lambda change: _rank(change[0]))


def _rank(name: str) -> int:
    """Return the place of a name in a list of differences; names of the same place keep their order."""
    group = "data" if name.endswith(" data") else name.split(".")[0]
    if name.startswith(VERSION):
        return len(_IMPORTANCE) + 1
    return _IMPORTANCE.index(group) if group in _IMPORTANCE else len(_IMPORTANCE)


def is_extension(name: str, saved: Any, current: Any) -> bool:
    """Whether a setting makes a run train longer, and changes nothing else.

    >>> is_extension("max_steps", 100, 200), is_extension("max_steps", -1, 200), is_extension("seed", 1, 2)
    (True, False, False)
    """
    return name in EXTENDING and is_finite_number(saved) and is_finite_number(current) and 0 < saved < current
