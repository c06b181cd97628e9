"""Texts that `predict` is given, and that may have been meant as the names of files."""

import os
import warnings
from collections.abc import Iterable

_LONGEST_PATH = 4096


def warn_of_paths(texts: Iterable[str | None]) -> None:
    """Warn where a text is the name of a file that exists: a `str` is text, and only a `Path` is opened."""
    for text in texts:
        if text is not None and 0 < len(text) < _LONGEST_PATH and "\n" not in text and os.path.isfile(text):
            warnings.warn(
                f"{text!r} is the name of a file, and was read as a text. To predict what is in the file, give "
                f"Path({text!r}), or use predict_file().",
                stacklevel=4,
            )
            return
