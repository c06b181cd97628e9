"""JSON that a run has written, read back: what is missing or of another type is found before it is used."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, is_typeddict

Built = TypeVar("Built")
_NOT_FINITE = ("nan", "inf", "-inf")  # JSON has no such numbers


def read_mapping(path: str | Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds something else; the message says what.
    """
    content = Path(path).read_bytes()
    if not content.strip():
        raise ValueError("the file is empty")
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not complete JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"it holds {_shown(value)}, and a JSON object is needed")
    return value


def from_mapping(kind: type[Built], content: Any) -> Built:
    """Return a dataclass from what JSON holds of it; fields that are dataclasses themselves stay mappings.

    Args:
        kind: the dataclass.
        content: values by field. Fields with a default may be absent.

    Raises:
        ValueError: a field is missing, unknown, or of another type; the message names all of them.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"{kind.__name__} is {_shown(content)}, and a JSON object is needed")
    known = {field.name: field for field in fields(kind) if field.init}  # type: ignore[arg-type]
    required = [name for name, field in known.items() if field.default is MISSING and field.default_factory is MISSING]
    faults = [f"{name} is missing" for name in required if name not in content]
    faults += [f"there is no field {name!r}" for name in content if name not in known]
    faults += [
        f"{name} is {_shown(value)}, which is of another type"
        for name, value in content.items()
        if name in known and not conforms(value, known[name].type)
    ]
    if faults:
        raise ValueError("; ".join(faults))
    return kind(**content)


def conforms(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is one of a type, to any depth of lists and mappings.

    Dataclasses and typed dictionaries are mappings of anything. Numbers that are not finite are words.

    >>> conforms([["a", 1]], list[tuple[str, int]]), conforms(None, list[str]), conforms("nan", float)
    (True, False, True)
    """
    origin, members = get_origin(hint) or hint, get_args(hint)
    if origin in (Union, UnionType):
        return any(conforms(value, member) for member in members)
    if origin is Literal:
        return value in members
    if origin in (None, NoneType):
        return value is None
    if origin is bool or isinstance(value, bool):
        return isinstance(value, bool) and origin in (bool, Any, object)
    if origin is float:
        return isinstance(value, int | float) or value in _NOT_FINITE
    if origin in (int, str):
        return isinstance(value, origin)
    if is_typeddict(origin) or is_dataclass(origin):
        return isinstance(value, Mapping)
    if not isinstance(origin, type):
        return True  # `Any`, and what can be anything that JSON has
    if issubclass(origin, Mapping):
        of_value = members[1] if members else Any
        return isinstance(value, Mapping) and all(conforms(item, of_value) for item in value.values())
    if origin is tuple and members and members[-1] is not ...:
        same = isinstance(value, list | tuple) and len(value) == len(members)
        return same and all(conforms(item, member) for item, member in zip(value, members, strict=True))
    if hasattr(origin, "__iter__"):
        return isinstance(value, list | tuple) and all(conforms(item, members[0] if members else Any) for item in value)
    return True


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."
