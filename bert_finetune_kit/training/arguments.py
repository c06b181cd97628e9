"""Command line and YAML → dataclasses: every field of a recipe, its source and the Trainer's own is a flag."""

import argparse
import ast
import inspect
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import yaml
from transformers import HfArgumentParser

from ..errors import ConfigError, raise_faults


@dataclass(frozen=True)
class RunArguments:
    """What a recipe takes from a command line beside its source, its config and the Trainer's arguments."""

    model: str | None = None
    """Hub id or folder to start from, or tiny, mini, small, medium, base, large for fresh weights."""
    tokenizer: str | None = None
    """Hub id, folder or vocab.txt; none means that of the model, or for fresh weights one trained on the text."""
    resume: bool = False
    """Go on from the newest checkpoint in output_dir."""
    force: bool = False
    """Train even where disk or memory seem too little, and go on from a checkpoint of other settings or versions."""
    seeds: list[int] | None = None
    """Train once with each of these seeds, in folders below output_dir, and report mean and standard deviation."""


@dataclass(frozen=True)
class FineTuningArguments:
    """What every fine-tuning takes from a command line, too."""

    lora: str | None = None
    """Train with LoRA: settings of peft's LoraConfig as JSON, such as {"r": 8}; {} means its defaults."""


def parse_arguments(
    types: Sequence[Any],
    defaults: dict[str, Any] | None = None,
    argv: Sequence[str] | None = None,
    show_help: bool = True,
) -> tuple[Any, ...]:
    """Return one object of each dataclass from flags, or from a YAML file named by `--config`; flags win over the file.

    Args:
        types: dataclasses whose fields become flags; the docstring under a field is its help.
        defaults: defaults that differ from those of the dataclasses.
        argv: arguments; none means those of the process.
        show_help: heed `--help`; not where defaults are still to be found out.

    Raises:
        ConfigError: the file is missing or not a mapping, or it has keys that no dataclass knows.
    """
    usage = "%(prog)s [--config FILE] [--SETTING VALUE ...]"
    parser = HfArgumentParser(types, allow_abbrev=False, usage=usage)
    parser.add_argument("--config", metavar="FILE", help="YAML file of settings; flags win over it")
    parser.set_defaults(**(defaults or {}))
    _prepare(parser, types)
    given = list(sys.argv[1:] if argv is None else argv)
    if not show_help:
        given = [one for one in given if one not in ("-h", "--help")]
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config")
    file = finder.parse_known_args(given)[0].config
    if file is not None:
        parser.set_defaults(**_read_yaml(Path(file), types))
    return _build(types, vars(parser.parse_args(given)))


def _build(types: Sequence[Any], values: dict[str, Any]) -> tuple[Any, ...]:
    """Return one object of each dataclass, or raise what all of them refuse at once."""
    built, refused = [], []
    for one in types:
        try:
            built.append(one(**{field.name: values[field.name] for field in fields(one) if field.init}))
        except (ValueError, TypeError) as error:  # the Trainer's arguments raise these
            refused.append(str(error))
    if refused:
        raise ConfigError("\n".join(refused))
    return tuple(built)


def _read_yaml(file: Path, types: Sequence[Any]) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The settings in {file} cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file} holds a {type(settings).__name__}; a mapping of settings to values is needed.")
    known = {field.name: field for one in types for field in fields(one)}
    faults = [f"there is no setting {name!r}" for name in settings if name not in known]
    kinds = {name: hint for one in types for name, hint in get_type_hints(one).items()}
    for name in [name for name in settings if name in known]:
        value = settings[name]
        kind = kinds[name]
        accepted = [one for one in (*get_args(kind), kind) if one in _PLAIN]
        if value is False and str in accepted and bool not in accepted:
            settings[name] = "no"  # which YAML reads as false
        elif get_origin(kind) is list or any(get_origin(one) is list for one in get_args(kind)):
            settings[name] = value if isinstance(value, list) or value is None else [value]
        elif accepted and all(one in _PLAIN or one is NoneType for one in get_args(kind)) and not _fits(value, kind):
            wanted = " or ".join(one.__name__ for one in accepted)
            faults.append(f"{name} is {value!r}: it takes {wanted}")
    raise_faults(faults, str(file))
    return settings


_PLAIN = (bool, int, float, str)


def _fits(value: Any, kind: Any) -> bool:
    kinds = get_args(kind) or (kind,)
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int) or (isinstance(value, str) and _is_number(value)):  # YAML reads 2e-5 as text
        return int in kinds or float in kinds or (isinstance(value, str) and str in kinds)
    return isinstance(value, tuple(kinds))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _prepare(parser: HfArgumentParser, types: Sequence[Any]) -> None:
    texts: dict[str, str] = {}
    for one in types:
        texts.update(field_docstrings(one))
    for action in parser._actions:
        if action.type is Any:  # one path or several
            action.type, action.nargs = str, "+"
        if not action.help and action.dest in texts:
            action.help = texts[action.dest].replace("%", "%%")


def field_docstrings(one: type) -> dict[str, str]:
    """Return the docstring under each field of a dataclass and of those it inherits from, by name."""
    texts = {}
    for owner in reversed([owner for owner in one.__mro__ if is_dataclass(owner)]):
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
                texts[field.target.id] = str(ast.literal_eval(text.value))
    return texts
