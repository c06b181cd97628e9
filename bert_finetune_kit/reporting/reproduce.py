"""The Python that repeats a run, written from the objects that it was given."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig, TrainingArguments

_PLAIN = (str, bool, int, float, type(None))


def python_code(recipe: type, given: Mapping[str, Any], args: TrainingArguments) -> str:
    """Return a script that builds a recipe as it was built, and trains it.

    Settings that have their default are left out. What cannot be written down, such as a `Dataset` in memory, becomes
    `...` and a remark.

    Args:
        recipe: its class.
        given: what its constructor was given, by the name of the argument.
        args: the Trainer's arguments.
    """
    shown = {name: value for name, value in given.items() if value is not None and not _is_default(value)}
    classes = sorted({recipe, *(type(one) for one in shown.values() if _is_settings(one))}, key=lambda one: one.__name__)
    lines = ["from transformers import TrainingArguments"] if not any(_is_hf(one) for one in classes) else []
    homes: dict[str, list[str]] = {"transformers": ["TrainingArguments"]}
    for one in classes:
        homes.setdefault(one.__module__.split(".")[0], []).append(one.__name__)
    lines = [f"from {home} import {', '.join(sorted(names))}" for home, names in sorted(homes.items())]
    lines += ["", "args = TrainingArguments("]
    lines += [f"    {name}={_code(value)}," for name, value in changed_arguments(args).items()]
    lines += [")", f"recipe = {recipe.__name__}("]
    for name, value in shown.items():
        code = _code(value)
        lines.append(f"    {name}={code}," + (f"  # a {type(value).__name__}, to be made anew" if "..." in code else ""))
    return "\n".join([*lines, "    args=args,", ")", "recipe.train()"]) + "\n"
