"""Where a model and its data come from, in words that mean something on another machine."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from .report import RunReport

# An absolute path of two parts or more; not the end of an address or of `and/or`.
_ABSOLUTE = re.compile(r"""(?<![\w/\\:.<&;-])(?:~[\w.-]*|[A-Za-z]:)?(?:[/\\]+[^\s/\\'"`)\](\[,;:<>|]+){2,}[/\\]?""")


def hub_id(given: Any, known: Mapping[str, str] | None = None) -> str | None:
    """Return the id on the Hub that `given` is; none where it is an object, or a file or folder of this machine.

    Args:
        given: what a user has named, or a list of one such name.
        known: ids by the bare names that stand for them.

    >>> hub_id("google-bert/bert-base-uncased"), hub_id("squad", {"squad": "rajpurkar/squad"}), hub_id("/data/a.csv")
    ('google-bert/bert-base-uncased', 'rajpurkar/squad', None)
    """
    if isinstance(given, list | tuple) and len(given) == 1:
        given = given[0]
    if not isinstance(given, str) or Path(given).expanduser().exists():
        return None
    given = (known or {}).get(given, given)
    try:
        validate_repo_id(given)
    except HFValidationError:
        return None
    return given


def data_origin(name: str, hub: str | None, config: str | None, own_splits: Sequence[str]) -> dict[str, Any]:
    """Return what `report.settings["source"]` says of a data set beside what was given.

    Args:
        name: for the reader of a report.
        hub: id on the Hub, or none.
        config: its configuration there.
        own_splits: splits of the data set as it is published that were evaluated on whole; none where examples were
            held out, limited or given instead.
    """
    return {"name": name, "hub_id": hub, "hub_config": config, "own_splits": list(own_splits) if hub else []}


def last_part(path: str) -> str:
    """Return the last part of a path of any system, which names no folder of the user's.

    >>> last_part("/home/ada/reviews.csv"), last_part(r"C:\\Users\\ada\\x"), last_part("the bundled sample")
    ('reviews.csv', 'x', 'the bundled sample')
    """
    parts = [part for part in re.split(r"[/\\]", path) if part not in ("", ".", "..", "~")]
    return parts[-1] if parts else path


def path_hider(report: RunReport) -> Callable[[str], str]:
    """Return what leaves of each local path in a text its last part alone.

    Known are the paths that the settings name, whatever they look like; beside them whatever is an absolute path.
    """
    settings = report.settings
    ids = {settings.get(group, {}).get("hub_id") for group in ("source", "model")}
    given = [value for group in ("source", "task", "model") for value in settings.get(group, {}).values()]
    given += [settings.get("training", {}).get(name) for name in ("output_dir", "logging_dir")]
    texts = [str(one) for value in given for one in (value if isinstance(value, list | tuple) else [value])]
    paths = {text for text in texts if re.search(r"[/\\]", text) and text not in ids and not re.search(r"\s", text)}

    def hide(text: str) -> str:
        for path in sorted(paths, key=len, reverse=True):
            text = text.replace(path, last_part(path))
        return _ABSOLUTE.sub(lambda found: last_part(found[0]), text)

    return hide
