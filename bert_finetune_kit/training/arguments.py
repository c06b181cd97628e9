"""Command line and YAML → dataclasses: every field of a recipe, its source and the Trainer's own is a flag."""

import argparse
import ast
import inspect
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

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
    seeds: list[int] | None = None
    """Train once with each of these seeds, in folders below output_dir, and report mean and standard deviation."""


def parse_arguments(
    types: Sequence[Any], defaults: dict[str, Any] | None = None, argv: Sequence[str] | None = None
) -> tuple[Any, ...]:
    """Return one object of each dataclass from flags, or from a YAML file named by `--config`; flags win over the file.

    Args:
        types: dataclasses whose fields become flags; the docstring under a field is its help.
        defaults: defaults that differ from those of the dataclasses.
        argv: arguments; none means those of the process.

    Raises:
        ConfigError: the file is missing or not a mapping, or it has keys that no dataclass knows.
    """
    parser = HfArgumentParser(types, allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", help="YAML file of settings; flags win over it")
    parser.set_defaults(**(defaults or {}))
    _prepare(parser, types)
    given = list(sys.argv[1:] if argv is None else argv)
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config")
    file = finder.parse_known_args(given)[0].config
    if file is not None:
        parser.set_defaults(**_read_yaml(Path(file), types))
    try:
        return parser.parse_args_into_dataclasses(given, look_for_args_file=False)[: len(types)]
    except ValueError as error:  # what the Trainer's arguments refuse
        raise error if isinstance(error, ConfigError) else ConfigError(str(error)) from error


def _read_yaml(file: Path, types: Sequence[Any]) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The settings in {file} cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file} holds a {type(settings).__name__}; a mapping of settings to values is needed.")
    known = {field.name: field for one in types for field in fields(one)}
    raise_faults((f"there is no setting {name!r}" for name in settings if name not in known), str(file))
    return settings


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
