"""YAML as its users mean it: `no`, `yes`, `on` and `off` are words, as in YAML 1.2; PyYAML reads them as booleans."""

import re
from pathlib import Path
from typing import Any

import yaml

_BOOLEAN = "tag:yaml.org,2002:bool"
_SWITCHES = {"yes": True, "on": True, "no": False, "off": False}


class _Loader(yaml.SafeLoader):
    """The safe loader, with the booleans of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_yaml(file: Path) -> Any:
    """Return the content of a YAML file.

    Raises:
        OSError, UnicodeDecodeError, yaml.YAMLError: it cannot be read.
    """
    return yaml.load(file.read_text("utf-8"), _Loader)


def as_switch(value: Any) -> Any:
    """Return a word that switches a setting on or off as true or false, and anything else as it is.

    >>> as_switch("yes"), as_switch("Off"), as_switch("auto")
    (True, False, 'auto')
    """
    return _SWITCHES.get(value.lower(), value) if isinstance(value, str) else value


def as_names(values: Any) -> Any:
    """Return a list of names as text, whatever types YAML gives them: `[1, true]` as "1" and "true".

    >>> as_names(["no", 1, True]), as_names(None)
    (['no', '1', 'true'], None)
    """
    if not isinstance(values, list):
        return values
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
