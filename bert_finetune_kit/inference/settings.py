"""Settings that are saved beside a model, so that it is used as it was evaluated."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ModelError
from ..modeling.checkpoint_files import find_file

Settings = TypeVar("Settings")


def save_settings(settings: Mapping[str, Any], folder: str | Path, name: str) -> None:
    """Write settings as a JSON file into the folder of a model.

    Args:
        settings: plain data.
        folder: of the model.
        name: of the file.
    """
    Path(folder, name).write_text(json.dumps(settings, indent=2) + "\n", "utf-8")


def load_settings(folder: str, name: str, build: Callable[[dict[str, Any]], Settings]) -> Settings | None:
    """Return the settings beside a model; none where it has none, as a stock model.

    Args:
        folder: of the model, or its Hub id.
        name: of the file.
        build: content of the file → settings.

    Raises:
        ModelError: the file is damaged.
    """
    file = find_file(folder, name)
    if file is None:
        return None
    try:
        return build(json.loads(file.read_text("utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file} is damaged: {error}") from error
