"""Texts that `predict` is given, and that may have been meant as the names of files."""

import os
import warnings
from collections.abc import Iterable

NAMED = "is the name of a file"
"""What the warning says of a text."""
_LONGEST_PATH = 4096


def find_path(texts: Iterable[str | None]) -> str | None:
    """Return the first text that is the name of a file that exists."""
    names = (text for text in texts if text is not None and 0 < len(text) < _LONGEST_PATH and "\n" not in text)
    return next(filter(os.path.isfile, names), None)


def warn_of_paths(texts: Iterable[str | None]) -> None:
    """Warn where a text is the name of a file: a `str` is text, and only a `Path` is opened."""
    text = find_path(texts)
    if text is not None:
        warnings.warn(
            f"{text!r} {NAMED}, and was read as a text. To predict what is in the file, give "
            f"Path({text!r}), or use predict_file().",
            stacklevel=5,  # the caller of `predict`, whose settings are checked in between
        )
