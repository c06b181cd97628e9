"""Whether what was read from JSON has the form that a dataclass declares."""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

_NAMES: dict[str, Any] = {"Sequence": Sequence, "Plain": object}  # in the recursive `Plain`: anything that JSON holds


def misfits(data: Mapping[str, Any], declared: type) -> list[str]:
    """Return the names of the fields of `declared` that `data` has in another form, such as a list for a text.

    Numbers are not told from each other, nor from None and the words that stand for what is not finite.

    >>> from bert_finetune_kit.reporting.schema import Score
    >>> misfits({"key": "f1", "label": ["F1"], "is_share": 1}, Score)
    ['label']
    """
    hints = get_type_hints(declared, localns=_NAMES)
    return [name for name, hint in hints.items() if name in data and not _fits(data[name], hint)]


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, option) for option in inner)
    if origin in (list, tuple):
        same_length = origin is list or (isinstance(value, list) and len(value) == len(inner))
        return isinstance(value, list) and same_length and all(_fits(item, inner[0]) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(_fits(item, inner[1]) for item in value.values())
    if is_typeddict(hint) or is_dataclass(hint):
        return isinstance(value, dict) and not misfits(value, hint)
    if hint is str:
        return isinstance(value, str)
    return hint not in (bool, int, float) or value is None or isinstance(value, bool | int | float | str)
