"""Text of any source as lines of files or records of a column, read as a stream."""

import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from datasets import Dataset, Value, concatenate_datasets

from ..compat.datasets import fingerprint_of
from ..errors import DataError
from .columns import check_usable, column_advice, did_you_mean, with_kinds
from .documents import FILE_BREAK
from .encoding import UTF8, read_lines, text_encoding
from .files import load_files
from .json_tables import load_json_files
from .opening import DataLike, Opened, Splits, open_splits
from .separated import Separated, delimiter_of

TEXT_TYPES = ("string", "large_string")
_FORMATS = {".txt": "text", ".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Lines:
    """Files of plain text, read a line at a time."""

    files: tuple[str, ...]
    in_folder: bool = False
    """As in `Files`."""
    encoding: str | None = None
    """As in `Files`."""

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(_read_lines(Path(file), self.encoding) for file in self.files)

    def fingerprint(self) -> list[tuple[Any, ...]]:
        """Return what identifies this text: paths, sizes in bytes and times of change; the encoding where it is set."""
        stats = [(file, Path(file).stat()) for file in self.files]
        further = () if self.encoding is None else (self.encoding,)
        return [(file, stat.st_size, stat.st_mtime_ns, *further) for file, stat in stats]


@dataclass(frozen=True)
class Records:
    """One column of a `Dataset`, read in batches."""

    dataset: Dataset
    column: str

    def __iter__(self) -> Iterator[str]:
        try:
            for batch in self.dataset.select_columns([self.column]).iter(1000):
                yield from (text or "" for text in batch[self.column])
        except UnicodeDecodeError as error:
            raise DataError(f"The column {self.column!r} is not UTF-8: {error}. Save the file as UTF-8.") from error

    def fingerprint(self) -> tuple[str, str]:
        """Return what identifies this text."""
        return (fingerprint_of(self.dataset), self.column)


def open_text(
    given: DataLike,
    split: str = "train",
    config: str | None = None,
    column: str | None = None,
    encoding: str | None = None,
) -> Splits[Lines | Records]:
    """Open a data set as splits of text by name; the text itself is read by iterating over it.

    Args:
        given: Hub id, file, folder, list of files, `Dataset` or `DatasetDict`. Files are .txt, .csv, .json, .jsonl and
            .parquet, or .gz of these.
        split: name for what has no splits of its own.
        config: configuration of a Hub data set.
        column: column of the text; none means `text`, or the only column of strings.
        encoding: of files of text; none means UTF-8, or what a byte order mark says.

    Raises:
        DataError: it is missing; and when a split is looked up, it is empty, cannot be read, or has no such column.
    """
    return open_splits(given, partial(_read, column=column), _FORMATS, split, config, encoding)


def _read(opened: Opened, name: str, column: str | None) -> Lines | Records:
    if isinstance(opened, Dataset):
        return Records(opened, text_column(opened, column, name))
    builder = opened.common_format(_FORMATS)
    if builder == "text":
        if column is not None:
            raise DataError(f"text_column is {column!r}, and {opened.paths[0]} is plain text, which has no columns.")
        return Lines(tuple(str(path.resolve()) for path in opened.paths), opened.in_folder, opened.encoding)
    load = {"csv": _load_csv, "json": load_json_files}.get(builder)
    rows = load_files(builder, opened.paths) if load is None else load(opened.paths, opened.encoding)
    return Records(rows, text_column(rows, column, name))


def _load_csv(paths: Sequence[Path], encoding: str | None) -> Dataset:
    """Read .csv files: "NA" and "None" are words, and cells after the last column, which are empty, are left out."""
    forms = {path: _form(path, encoding) for path in paths}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Length of header or names does not match")
        tables = [
            load_files("csv", list(group), **dict(form), keep_default_na=False, index_col=False)
            for form, group in groupby(paths, forms.__getitem__)
        ]
    return concatenate_datasets(tables) if len(tables) > 1 else tables[0]


def _form(path: Path, encoding: str | None) -> tuple[tuple[str, str], ...]:
    """Return how a .csv file is to be read by `datasets`.

    Raises:
        DataError: something in it would be lost.
    """
    delimiter, codec = delimiter_of(path, encoding=encoding), text_encoding(path, encoding)
    deque(Separated(path, delimiter, encoding=encoding).rows(), maxlen=0)
    return ("sep", delimiter), *((("encoding", codec),) if codec != UTF8 else ())


def text_column(rows: Dataset, wanted: str | None, source: str) -> str:
    """Return the column of the text: the one that is wanted, else `text`, else the only column of strings.

    Raises:
        DataError: there are no rows, or it is not clear which column contains the text.
    """
    if rows.num_rows == 0:
        raise DataError(f"There are no rows in {source}.")
    strings = [name for name, kind in rows.features.items() if is_text(kind)]
    columns = with_kinds(rows)
    if rows.num_rows == 1 and any(not isinstance(kind, Value) for kind in rows.features.values()):
        raise DataError(
            f"There is one nested object instead of records in {source}. Columns: {columns}. Give a list of "
            "objects, or JSON lines."
        )
    column = wanted or ("text" if "text" in strings else strings[0] if len(strings) == 1 else None)
    if column is None:
        raise DataError(
            f"Which column of {source} contains the text? Columns: {columns}. "
            f"{column_advice(rows.column_names, 'Set text_column= to its name.')}"
        )
    if column not in rows.column_names:
        hint = did_you_mean(column, rows.column_names)
        raise DataError(
            f"There is no column {column!r} in {source}{hint}. Columns: {columns}. "
            f"{column_advice(rows.column_names, 'Set text_column= to one of them.')}"
        )
    check_usable(rows, [column])
    if column not in strings:
        raise DataError(f"The column {column!r} of {source} does not contain text. Columns: {columns}.")
    return column


def is_text(kind: Any) -> bool:
    """Whether a feature of a `Dataset` holds strings."""
    return isinstance(kind, Value) and kind.dtype in TEXT_TYPES


def _read_lines(path: Path, encoding: str | None) -> Iterator[str]:
    yield from (line.rstrip("\n") for line in read_lines(path, encoding=encoding))
    yield FILE_BREAK
