"""The Python script that repeats a run, written from the objects that the recipe was given."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedConfig, TrainingArguments

from ..tasks.glue import GLUE_TASKS
from ..tasks.registry import SAMPLE_TASK

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from typing_extensions import TypeIs

_PLAIN = (str, bool, int, float)
_NOT_WRITTEN = ("model_type", "transformers_version")  # of a model config: it sets them itself


def python_code(recipe: type, given: Mapping[str, object], args: TrainingArguments) -> str:
    """Return a script that builds a recipe as it was built, and trains it.

    Settings with their default value are omitted. An object that cannot be written as code, such as a `Dataset` in
    memory, becomes `...` with a comment that names its class.

    Args:
        recipe: its class.
        given: arguments of its constructor by name, but for `args`.
        args: arguments of the Trainer.
    """
    shown = {name: value for name, value in given.items() if value is not None and not _is_default(value)}
    imports: dict[str, set[str]] = {}
    for used in (recipe, type(args), *(used for value in shown.values() for used in _classes(value))):
        imports.setdefault(used.__module__.split(".")[0], set()).add(used.__name__)
    lines = [f"from {package} import {', '.join(sorted(names))}" for package, names in sorted(imports.items())]
    lines += ["", f"args = {type(args).__name__}("]
    lines += [f"    {name}={_code(value)}," for name, value in changed_arguments(args).items()]
    lines += [")", f"recipe = {recipe.__name__}("]
    lines += [f"    {name}={_code(value)},{_comment(value)}" for name, value in shown.items()]
    return "\n".join([*lines, "    args=args,", ")", "recipe.train()"]) + "\n"


def changed_arguments(args: TrainingArguments) -> dict[str, object]:
    """Return the arguments that differ from the defaults of their class, with folder and seed, without tokens."""
    # Not by creating default arguments: that would reset the state that Accelerate shares with the running Trainer.
    defaults = {field.name: _default(field) for field in fields(args) if field.init}
    values = {name: getattr(args, name) for name in defaults}
    return {
        name: value
        for name, value in values.items()
        if name in ("output_dir", "seed") or not (_is_unset(value, defaults[name]) or name.endswith("token"))
    }


def _default(field: "Field[Any]") -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _is_unset(value: object, default: object) -> bool:
    """Return whether an argument has its default, also where `__post_init__` has replaced None by another value."""
    value, default = (item.value if isinstance(item, Enum) else item for item in (value, default))
    if default in (None, "", "none") and not value and not isinstance(value, int | float):
        return True
    if default is None and value is False:
        return True
    return _is_default(value) or bool(value == default)


def _is_instance(value: object) -> "TypeIs[DataclassInstance]":
    return is_dataclass(value) and not isinstance(value, type)


def _is_default(value: object) -> bool:
    return _is_instance(value) and not _changed(value)


def _changed(value: "DataclassInstance") -> dict[str, object]:
    """Return the fields of a dataclass that differ from their defaults."""
    changed = {}
    for field in fields(value):
        current, default = getattr(value, field.name), _default(field)
        if field.init and (default is MISSING or (current is not default and not _is_same(current, default))):
            changed[field.name] = current
    return changed


def _is_same(value: object, default: object) -> bool:
    if _is_instance(value):
        return type(value) is type(default) and not _changed(value)
    return isinstance(value, (*_PLAIN, list, tuple, dict)) and value == default


def _classes(value: object) -> list[type]:
    """Return the classes that the code of an object names."""
    if isinstance(value, PreTrainedConfig):
        return [type(value)]
    if isinstance(value, list | tuple):
        return [used for item in value for used in _classes(item)]
    if not _is_instance(value) or _is_registered_task(value):
        return []
    return [type(value), *(used for item in _changed(value).values() for used in _classes(item))]


def _is_registered_task(value: object) -> bool:
    return any(value == task for task in (*GLUE_TASKS, SAMPLE_TASK))


def _code(value: Any) -> str:
    if isinstance(value, Path):
        return repr(str(value))
    if isinstance(value, Enum):
        return repr(value.value)
    if value is None or isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, list | tuple | set):
        items = ", ".join(_code(item) for item in (sorted(value) if isinstance(value, set) else value))
        return f"[{items}]" if not isinstance(value, tuple) else f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_code(item)}" for key, item in value.items()) + "}"
    if _is_registered_task(value):
        return repr(value.name)
    if isinstance(value, PreTrainedConfig):
        settings = {name: item for name, item in value.to_diff_dict().items() if name not in _NOT_WRITTEN}
    elif _is_instance(value):
        settings = _changed(value)
    else:
        return "..."
    return f"{type(value).__name__}({', '.join(f'{name}={_code(item)}' for name, item in settings.items())})"


def _comment(value: object) -> str:
    """Return a comment that names the classes of the objects that `...` stands for."""
    names = sorted(set(_unwritten(value)))
    return f"  # replace by: {', '.join(names)}" if names else ""


def _unwritten(value: object) -> list[str]:
    if isinstance(value, list | tuple | set):
        return [name for item in value for name in _unwritten(item)]
    if _is_instance(value):
        return [name for item in _changed(value).values() for name in _unwritten(item)]
    return [type(value).__name__] if _code(value) == "..." else []
