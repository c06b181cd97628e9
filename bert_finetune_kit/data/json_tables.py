"""Files of JSON and JSON lines as one table."""

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset

from .encoding import UTF8, text_encoding
from .files import load_files
from .json_files import read_objects
from .memory import as_dataset


def load_json_files(paths: Sequence[Path], encoding: str | None = None) -> Dataset:
    """Read files of objects as one data set: memory-mapped, but for files of another encoding than UTF-8.

    Those `datasets` would cut into parts of bytes.

    Args:
        paths: of the files, .gz or not.
        encoding: as `text_encoding` takes it.

    Raises:
        DataError: they cannot be read, or have no rows.
    """
    if all(text_encoding(path, encoding) == UTF8 for path in paths):
        return load_files("json", paths)
    rows: Dataset = as_dataset([row for path in paths for row in read_objects(path, encoding)])
    return rows
