"""Files of JSON and JSON lines as one table."""

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset

from .encoding import UTF8, has_mark, text_encoding
from .files import load_files
from .json_files import read_objects
from .memory import as_dataset


def load_json_files(paths: Sequence[Path], encoding: str | None = None) -> Dataset:
    """Read files of objects as one data set: memory-mapped, but for some encodings.

    `datasets` would cut those of another encoding than UTF-8 into parts of bytes; before 5.2 it reads no list after a
    byte order mark.

    Args:
        paths: of the files, .gz or not.
        encoding: as `text_encoding` takes it.

    Raises:
        DataError: they cannot be read, or have no rows.
    """
    if all(text_encoding(path, encoding) == UTF8 and not has_mark(path) for path in paths):
        return load_files("json", paths)
    rows: Dataset = as_dataset([row for path in paths for row in read_objects(path, encoding)])
    return rows
