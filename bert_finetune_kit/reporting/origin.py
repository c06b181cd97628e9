"""Where a model and its data come from, in words that mean something on another machine."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..compat.hub import is_repo_id
from .records import DataOrigin
from .schema import RunReport

# An absolute path of two parts or more; not the end of an address or of `and/or`.
_ABSOLUTE = re.compile(r"""(?<![\w/\\:.<&;-])(?:~[\w.-]*|[A-Za-z]:)?(?:[/\\]+[^\s/\\'"`)\](\[,;:<>|]+){2,}[/\\]?""")


def hub_id(given: object, aliases: Mapping[str, str] | None = None) -> str | None:
    """Return the Hub id that `given` is, and None for an object, a file or a folder.

    Args:
        given: a model or data set as the user named it, or a list of one such name.
        aliases: short name → Hub id.

    >>> hub_id("google-bert/bert-base-uncased"), hub_id("squad", {"squad": "rajpurkar/squad"}), hub_id("/data/a.csv")
    ('google-bert/bert-base-uncased', 'rajpurkar/squad', None)
    """
    if isinstance(given, list | tuple) and len(given) == 1:
        given = given[0]
    if not isinstance(given, str) or Path(given).expanduser().exists():
        return None
    name = (aliases or {}).get(given, given)
    return name if is_repo_id(name) and not Path(name).exists() else None


def data_origin(name: str, hub: str | None, config: str | None, own_splits: Sequence[str]) -> DataOrigin:
    """Return the origin of a data set for `report.settings["source"]`.

    Args:
        name: for a reader.
        hub: id on the Hub, or None.
        config: configuration of that data set.
        own_splits: published splits that were evaluated completely.
    """
    return {"name": name, "hub_id": hub, "hub_config": config, "own_splits": list(own_splits) if hub else []}


def last_part(path: str) -> str:
    """Return the last part of a path of any system, which names none of the user's folders.

    >>> last_part("/home/ada/reviews.csv"), last_part(r"C:\\Users\\ada\\x"), last_part("the bundled sample")
    ('reviews.csv', 'x', 'the bundled sample')
    """
    parts = path_parts(path)
    return parts[-1] if parts else path


def path_parts(path: str) -> list[str]:
    """Return the names in a path of any system."""
    return [part for part in re.split(r"[/\\]", path) if part not in ("", ".", "..", "~")]


def path_hider(report: RunReport) -> Callable[[str], str]:
    """Return a function that shortens each local path in a text to its last part.

    Local paths are those that the settings name, in any form, and all absolute paths.
    """
    paths = sorted(_paths(report), key=len, reverse=True)

    def hide(text: str) -> str:
        for path in paths:
            text = text.replace(path, last_part(path))
        return _ABSOLUTE.sub(lambda match: last_part(match[0]), text)

    return hide


def _paths(report: RunReport) -> set[str]:
    """Return the paths in the settings."""
    settings = report.settings
    values = [value for group in ("source", "task", "model") for value in settings.get(group, {}).values()]
    values += [settings.get("training", {}).get(name) for name in ("output_dir", "logging_dir")]
    texts = [str(item) for value in values for item in (value if isinstance(value, list | tuple) else [value])]
    hub_ids = {report.origin.get("hub_id"), report.model.get("hub_id")}
    return {text for text in texts if re.search(r"[/\\]", text) and text not in hub_ids and not re.search(r"\s", text)}
