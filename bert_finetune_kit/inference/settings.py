"""Settings that are saved beside a model, so that it is used as it was evaluated."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ModelError
from ..json_objects import read_mapping
from ..modeling.checkpoint_files import find_file
from ..text_files import write_text

Settings = TypeVar("Settings")
_REMEDY = "Restore it from the run that wrote it, or delete it to use the model with default settings."


def save_settings(settings: Mapping[str, Any], folder: str | Path, name: str) -> None:
    """Write settings as a JSON file into the folder of a model.

    Args:
        settings: plain data.
        folder: of the model.
        name: of the file.
    """
    write_text(Path(folder, name), json.dumps(settings, indent=2) + "\n")


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
        return build(read_mapping(file))
    except KeyError as error:
        raise ModelError(f"{file} is damaged: {error} is missing. {_REMEDY}") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} is damaged: {error}. {_REMEDY}") from error
