"""The Python that repeats a run, written from the objects that it was given."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, TrainingArguments

from ..tasks.glue import GLUE_TASKS
from ..tasks.registry import SAMPLE_TASK

_PLAIN = (str, bool, int, float)


def python_code(recipe: type, given: Mapping[str, Any], args: TrainingArguments) -> str:
    """Return a script that builds a recipe as it was built, and trains it.

    Settings that have their defaults are left out. What cannot be written down, such as a `Dataset` in memory, becomes
    `...` with a remark that says what it was.

    Args:
        recipe: its class.
        given: what its constructor was given, by the name of the argument.
        args: the Trainer's arguments.
    """
    shown = {name: value for name, value in given.items() if value is not None and not _is_default(value)}
    used = [recipe, type(args), *(one for value in shown.values() for one in _classes(value))]
    homes: dict[str, set[str]] = {}
    for one in used:
        homes.setdefault(one.__module__.split(".")[0], set()).add(one.__name__)
    lines = [f"from {home} import {', '.join(sorted(names))}" for home, names in sorted(homes.items())]
    lines += ["", f"args = {type(args).__name__}("]
    lines += [f"    {name}={_code(value)}," for name, value in changed_arguments(args).items()]
    lines += [")", f"recipe = {recipe.__name__}("]
    lines += [f"    {name}={_code(value)},{_remark(value)}" for name, value in shown.items()]
    return "\n".join([*lines, "    args=args,", ")", "recipe.train()"]) + "\n"


def changed_arguments(args: TrainingArguments) -> dict[str, Any]:
    """Return the arguments that differ from the defaults of their class, with folder and seed, without secrets."""
    # Not by making others: that resets the state that Accelerate shares with the Trainer at work.
    changed = {field.name: getattr(args, field.name) for field in fields(args) if field.init}
    defaults = {field.name: _default(field) for field in fields(args)}
    return {
        name: value
        for name, value in changed.items()
        if name in ("output_dir", "seed") or not (_unset(value, defaults[name]) or name.endswith("token"))
    }


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _unset(value: Any, default: Any) -> bool:
    """Whether an argument is as it is by default, once the arguments have made none into what it stands for."""
    value, default = (one.value if isinstance(one, Enum) else one for one in (value, default))
    if default in (None, "", "none") and not value and not isinstance(value, int | float):
        return True
    if default is None and value is False:
        return True
    return _is_default(value) or bool(value == default)


def _is_default(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type) and not _changed(value)


def _changed(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that have not their default."""
    changed = {}
    for field in fields(value):
        default = _default(field)
        ours = getattr(value, field.name)
        if field.init and (default is MISSING or (ours is not default and not _same(ours, default))):
            changed[field.name] = ours
    return changed


def _same(value: Any, default: Any) -> bool:
    if is_dataclass(value):
        return type(value) is type(default) and not _changed(value)
    return isinstance(value, (*_PLAIN, list, tuple, dict)) and value == default


def _classes(value: Any) -> list[type]:
    """Return the classes by whose names an object is written."""
    if isinstance(value, PreTrainedConfig):
        return [type(value)]
    if not is_dataclass(value) or _is_known_task(value):
        return []
    return [type(value), *(one for inner in _changed(value).values() for one in _classes(inner))]


def _is_known_task(value: Any) -> bool:
    return any(value == task for task in (*GLUE_TASKS, SAMPLE_TASK))


def _code(value: Any) -> str:
    if isinstance(value, Path):
        return repr(str(value))
    if isinstance(value, Enum):
        return repr(value.value)
    if value is None or isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, list | tuple | set):
        inside = ", ".join(_code(one) for one in (sorted(value) if isinstance(value, set) else value))
        return f"[{inside}]" if not isinstance(value, tuple) else f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_code(one)}" for key, one in value.items()) + "}"
    if _is_known_task(value):
        return repr(value.name)
    if isinstance(value, PreTrainedConfig):
        settings = value.to_diff_dict()
        settings = {name: one for name, one in settings.items() if name not in ("model_type", "transformers_version")}
    elif is_dataclass(value):
        settings = _changed(value)
    else:
        return "..."
    return f"{type(value).__name__}({', '.join(f'{name}={_code(one)}' for name, one in settings.items())})"


def _remark(value: Any) -> str:
    """Return what to say beside `...`, which classes of objects it stands for."""
    kinds = sorted(set(_unwritten(value)))
    return f"  # to be made anew: {', '.join(kinds)}" if kinds else ""


def _unwritten(value: Any) -> list[str]:
    if isinstance(value, list | tuple | set):
        return [name for one in value for name in _unwritten(one)]
    if is_dataclass(value):
        return [name for one in _changed(value).values() for name in _unwritten(one)]
    return [type(value).__name__] if _code(value) == "..." else []
