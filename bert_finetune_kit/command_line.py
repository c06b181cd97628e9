"""Settings from a command line or a YAML file: every field of the dataclasses of a recipe is a flag."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from transformers import HfArgumentParser

from .argument_parser import ArgumentParser
from .compat.yaml import as_names, as_switch, read_yaml
from .errors import ConfigError, raise_faults, unknown_setting
from .settings import is_number, setting

_USAGE = "%(prog)s [--config FILE] [--SETTING VALUE ...]"
_HELP, _HELP_ALL = ("-h", "--help"), "--help-all"
_PLAIN = (bool, int, float, str)


@dataclass(frozen=True)
class RunArguments:
    """How to run a recipe: what a command line takes besides source, config and the Trainer's arguments."""

    heading: ClassVar[str] = "Model and run"

    model: str | None = setting(
        None,
        "Hub id or folder to start from; tiny, mini, small, medium, base or large for randomly initialized weights.",
    )
    tokenizer: str | None = setting(
        None,
        "Hub id, folder or vocab.txt. Default: that of the model, or for a new model one trained on the text.",
    )
    resume: bool = setting(
        False,
        "Resume from the latest checkpoint in output_dir; a finished run goes on where more epochs or steps are given.",
    )
    force: bool = setting(
        False,
        "Train even if disk space or memory seem too small, and resume even if settings or versions have changed.",
    )
    seeds: list[int] | None = setting(
        None,
        "Train once per seed, each in a subfolder of output_dir, and report mean and standard deviation.",
    )
    folds: int | None = setting(
        None,
        "Cross-validate with so many folds, each in a subfolder of output_dir; classification and question answering.",
    )

    def __post_init__(self) -> None:
        if self.seeds and self.folds is not None:
            raise ConfigError(
                "seeds and folds are both given: give one of them. To cross-validate with several seeds, run once for "
                "each seed with another output_dir."
            )


@dataclass(frozen=True)
class FineTuningArguments:
    """What the command line of every fine-tuning takes in addition."""

    heading: ClassVar[str] = "Adapters"

    lora: str | None = setting(
        None, 'Train with LoRA: arguments of peft\'s LoraConfig as JSON, such as {"r": 8}; {} for its defaults.'
    )


def parse_arguments(
    types: Sequence[type],
    defaults: Mapping[str, Any] | None = None,
    argv: Sequence[str] | None = None,
    show_help: bool = True,
    adapt: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> tuple[Any, ...]:
    """Return one object of each dataclass from flags, or from a YAML file named by `--config`; flags win over the file.

    Args:
        types: dataclasses whose fields become flags, with the help texts of `setting`. A field that takes a path or
            several, or an object in memory, becomes a flag that takes one word or several.
        defaults: defaults that differ from those of the dataclasses.
        argv: arguments; by default those of the process.
        show_help: handle `--help`, which of a type with the attribute `essential` shows the fields named there alone,
            and `--help-all`; False while the defaults still depend on other arguments.
        adapt: defaults, and what flags and file give → the defaults that go with it.

    Raises:
        ConfigError: there is no such setting, a value is invalid, or the file cannot be read.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    without_help = [word for word in words if word not in (*_HELP, _HELP_ALL)]
    file = _config_file(words)
    from_file = {} if file is None else read_settings_file(file, types)
    defaults = defaults or {}
    if adapt is not None:
        defaults = adapt(defaults, from_file | _given_flags(types, without_help))
    parser = _build_parser(types, {**defaults, **from_file}, short_help=_HELP_ALL not in words)
    values, unknown = parser.parse_known_args(words if show_help else without_help)
    names = [flag.name for flag in _init_fields(types)]
    flags = [word for word in unknown if word.startswith("--")]
    raise_faults(
        [unknown_setting(flag.removeprefix("--").partition("=")[0], names) for flag in flags or unknown], "Command line"
    )
    return _build_objects(types, vars(values))


def read_settings_file(file: Path, types: Sequence[type]) -> dict[str, Any]:
    """Return the settings of a YAML file: fields of `types` by name, with values that the flags accept.

    Raises:
        ConfigError: the file cannot be read, is not a mapping, or has unknown settings or values of the wrong type.
    """
    try:
        settings = read_yaml(file) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The settings in {file} cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file} holds a {type(settings).__name__}; a mapping of settings to values is needed.")
    hints = {name: hint for settings_type in types for name, hint in get_type_hints(settings_type).items()}
    names = [flag.name for flag in _init_fields(types)]
    faults = []
    for name, value in settings.items():
        if name not in names:
            faults.append(unknown_setting(str(name), names))
            continue
        try:
            settings[name] = _check_value(value, _members(hints[name]))
        except TypeError as error:
            faults.append(f"{name} is {value!r}: {error}")
    raise_faults(faults, str(file))
    return settings


class _Parser(ArgumentParser, HfArgumentParser):
    """Flags of dataclasses, with the errors and the help of the kit."""


def _build_parser(types: Sequence[type], defaults: Mapping[str, Any], short_help: bool = False) -> HfArgumentParser:
    """Return a parser with a flag for each field of all dataclasses.

    Args:
        types: each is a group of the help, headed by its attribute `heading`.
        defaults: that differ from those of the dataclasses.
        short_help: whether the help leaves out what is not `essential`, and defaults that are none.
    """
    flags = [_flags_type(each, defaults, short_help) for each in types]
    formatter = argparse.HelpFormatter if short_help else argparse.ArgumentDefaultsHelpFormatter
    parser = _Parser(flags, allow_abbrev=False, usage=_USAGE, formatter_class=formatter)
    parser.add_argument("--config", metavar="FILE", help="YAML file of settings; flags win over it")
    more = "show every setting of the Trainer, too, and exit" if short_help else argparse.SUPPRESS
    parser.add_argument(_HELP_ALL, action="help", help=more)
    parser.set_defaults(**defaults)
    return parser


def _flags_type(settings_type: type, defaults: Mapping[str, Any], short_help: bool) -> Any:
    """Return a dataclass whose fields are the flags of a dataclass."""
    hints, essential = get_type_hints(settings_type), getattr(settings_type, "essential", None)
    flags: list[tuple[str, Any, Any]] = []
    for item in _init_fields([settings_type]):
        default: dict[str, Any] = {"default": item.default}
        if item.default_factory is not MISSING:
            default = {"default_factory": item.default_factory}
        flag_type, metadata = _flag_type(hints[item.name]), dict(item.metadata)
        if item.default is True and metadata.get("help"):  # HfArgumentParser gives --no_… the same text
            metadata["help"] = f"{metadata['help'].rstrip('.')}; --no_{item.name} switches it off."
        if short_help and essential is not None and item.name not in essential:
            metadata["help"] = argparse.SUPPRESS
        elif short_help:
            metadata |= _short(metadata.get("help", ""), flag_type, defaults.get(item.name, item.default))
        flags.append((item.name, flag_type, field(**default, metadata=metadata)))
    heading = getattr(settings_type, "heading", settings_type.__name__)
    # HfArgumentParser reads the heading of a group from an attribute of this name.
    return make_dataclass("Flags", flags, kw_only=True, namespace={"_argument_group_name": heading})


def _short(text: str, flag_type: Any, default: Any) -> dict[str, str]:
    """Return help and placeholder of a flag for the short help."""
    shown = {"help": text if default is None or default is MISSING else f"{text} (default: %(default)s)"}
    members = _members(flag_type)
    if bool in members:  # which takes no value, or one in brackets
        return shown
    kind = next((letter for number, letter in ((int, "N"), (float, "X")) if number in members), None)
    is_word = any(member is str or get_origin(member) is list for member in members)
    return shown | ({"metavar": kind or "VALUE"} if kind or is_word else {})


def _given_flags(types: Sequence[type], words: Sequence[str]) -> dict[str, Any]:
    """Return the values of the flags that are among the words."""
    parser = _build_parser(types, {flag.name: None for flag in _init_fields(types)})
    values = vars(parser.parse_known_args(words)[0])
    return {name: value for name, value in values.items() if value is not None and name != "config"}


def _config_file(words: Sequence[str]) -> Path | None:
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path)
    file: Path | None = finder.parse_known_args(words)[0].config
    return file


def _build_objects(types: Sequence[type], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return one object of each dataclass, or raise the errors of all of them at once."""
    built, errors = [], []
    for settings_type in types:
        try:
            built.append(settings_type(**{item.name: values[item.name] for item in _init_fields([settings_type])}))
        except (ValueError, TypeError) as error:  # TrainingArguments raises these
            errors.append(str(error))
    if errors:
        raise ConfigError("\n".join(errors))
    return tuple(built)


def _init_fields(types: Iterable[Any]) -> list[Any]:
    return [item for settings_type in types for item in fields(settings_type) if item.init]


def _members(hint: Any) -> tuple[Any, ...]:
    """Return the types that a hint is a union of, or the hint alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _flag_type(hint: Any) -> Any:
    """Return the type of a field's flag: words where the field takes objects that a command line cannot spell."""
    members = [member for member in _members(hint) if member is not NoneType]
    takes_objects = len(members) > 1 and not all(_is_spelled(member) for member in members)
    return list[str] | None if hint is Any or takes_objects else hint


def _is_spelled(member: Any) -> bool:
    """Whether a command line can spell values of a type."""
    if get_origin(member) in (list, dict, Literal) or member in (*_PLAIN, dict):
        return True
    return isinstance(member, type) and issubclass(member, Enum)


def _check_value(value: Any, members: Sequence[Any]) -> Any:
    """Return a value of a YAML file as the flag of a field takes it.

    Args:
        value: as YAML reads it.
        members: types of the field.

    Raises:
        TypeError: with the types that the field takes.
    """
    if bool in members:
        value = as_switch(value)
    elif value is False and str in members:
        return "no"  # as a strategy of the Trainer is called
    if any(get_origin(member) is list for member in members):
        values = value if isinstance(value, list) or value is None else [value]
        return as_names(values) if list[str] in members else values
    if all(member in (*_PLAIN, NoneType) for member in members) and not _fits(value, members):
        accepted = [member.__name__ for member in members if member in _PLAIN]
        raise TypeError(f"it takes {' or '.join(accepted)}")
    return value


def _fits(value: Any, members: Sequence[type]) -> bool:
    if isinstance(value, bool):
        return bool in members
    if isinstance(value, str):
        number = is_number(value) and (int in members or float in members)  # YAML reads 2e-5 as text
        return str in members or number
    if isinstance(value, int):
        return int in members or float in members
    return isinstance(value, tuple(members))
