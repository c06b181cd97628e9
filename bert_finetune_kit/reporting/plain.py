"""Objects as plain data for JSON: settings, and the versions of the packages that a run depends on."""

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from inspect import isfunction
from pathlib import Path
from typing import TypeAlias

Plain: TypeAlias = "bool | int | float | str | Sequence[Plain] | Mapping[str, Plain] | None"
_PACKAGES = ("bert_finetune_kit", "torch", "transformers", "accelerate", "datasets", "tokenizers", "numpy")


def to_plain(value: object) -> Plain:
    """Return `value` as JSON can hold it: dataclasses by field; NaN, infinity and objects of other types as strings.

    >>> to_plain({"scores": (0.5, float("nan")), 3: Path("runs")})
    {'scores': [0.5, 'nan'], '3': 'runs'}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def describe_settings(settings: object) -> dict[str, Plain]:
    """Return the fields of a dataclass as a report shows them; see `describe_object`."""
    if not is_dataclass(settings) or isinstance(settings, type):
        raise TypeError(f"describe_settings takes a dataclass, got {type(settings).__name__}")
    return {field.name: describe_object(getattr(settings, field.name)) for field in fields(settings)}


def describe_object(value: object) -> Plain:
    """Return a setting as a report shows it: plain values unchanged, paths as text, other objects by their class name.

    >>> describe_object("runs/mine"), describe_object(Path("runs")), describe_object(object())
    ('runs/mine', 'runs', 'object')
    """
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [describe_object(item) for item in value]
    if isfunction(value):
        return value.__name__
    return value if isinstance(value, bool | int | float | str | None) else type(value).__name__


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run depends on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions
