"""Rows with columns of any source: labelled examples and flat files of questions."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from datasets import Dataset, Features, Value, concatenate_datasets

from ..errors import DataError
from .encoding import read_lines
from .files import ending_of, load_files
from .json_tables import load_json_files
from .opening import DataLike, Opened, Splits, open_splits
from .separated import Separated, delimiter_of

TABLE_FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def open_tables(
    given: DataLike,
    split: str = "train",
    config: str | None = None,
    column_names: Sequence[str] | None = None,
    encoding: str | None = None,
) -> Splits[Dataset]:
    """Open a data set as tables by split; a table is read when it is looked up.

    Args:
        given: Hub id, file, folder, list of files, `Dataset` or `DatasetDict`. Files are .csv, .tsv, .json, .jsonl and
            .parquet, or .gz of these.
        split: name for what has no splits of its own.
        config: configuration of a Hub data set.
        column_names: names of the columns, for .csv and .tsv files without a header line.
        encoding: of files of text; none means UTF-8, or what a byte order mark says.

    Raises:
        DataError: it is missing; and when a split is looked up, it is empty or cannot be read.
    """
    return open_splits(given, partial(read_table, column_names=column_names), TABLE_FORMATS, split, config, encoding)


def read_table(opened: Opened, name: str, column_names: Sequence[str] | None = None) -> Dataset:
    """Return files of one format, or rows that are there already, as one table.

    Args:
        opened: files or rows.
        name: unused, since files are named by their paths.
        column_names: names of the columns, for .csv and .tsv files without a header line.

    Raises:
        DataError: they are empty or cannot be read.
    """
    if isinstance(opened, Dataset):
        return opened
    builder = opened.common_format(TABLE_FORMATS)
    if builder == "json":
        return load_json_files(opened.paths, opened.encoding)
    if builder != "csv":
        return load_files(builder, opened.paths)
    return concatenate_datasets([_read_separated(path, column_names, opened.encoding) for path in opened.paths])


def _read_separated(path: Path, column_names: Sequence[str] | None, encoding: str | None) -> Dataset:
    """Read a .csv or .tsv file with every cell as text: `NA` and `None` are words, only an empty cell is missing.

    The task decides what a column means; guessing types would turn labels with one empty cell into fractions.
    """
    names, *rows = separated(path, column_names, encoding).rows()
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    cells = {name: [cell or None for cell in column] for name, column in zip(names, columns, strict=True)}
    return Dataset.from_dict(cells, features=Features(dict.fromkeys(names, Value("large_string"))))


def separated(path: Path, column_names: Sequence[str] | None = None, encoding: str | None = None) -> Separated:
    """Return how a .csv or .tsv file is written.

    Args:
        path: of the file.
        column_names: names of the columns of a file without a header line.
        encoding: of the text; none means UTF-8, or what a byte order mark says.
    """
    if ending_of(path) == ".csv":
        return Separated(path, delimiter_of(path, column_names, encoding), True, column_names, encoding)
    quoted, plain = (Separated(path, "\t", is_quoted, column_names, encoding) for is_quoted in (True, False))
    if _has_quoted_lines(path, encoding) or (not _is_readable(plain) and _is_readable(quoted)):
        return quoted
    return plain


def _has_quoted_lines(path: Path, encoding: str | None) -> bool:
    """Whether the quotation marks of a .tsv file enclose its cells in every line, and are not part of the text.

    GLUE's own files are not quoted: a cell there can begin with a quotation mark and end without one. In a quoted file
    every row can be parsed as such, and has as many cells as the first.
    """

    def lines() -> Iterator[str]:  # read twice, since they may be too many for the memory
        return (line for line in read_lines(path, encoding=encoding) if line.strip())

    if not any(line.startswith('"') or '\t"' in line for line in lines()):
        return False
    try:  # each line alone: a quotation over several rows is text, and must not swallow them
        widths = {len(row) for line in lines() for row in csv.reader([line], delimiter="\t", strict=True)}
    except csv.Error:
        return False
    return len(widths) == 1


def _is_readable(file: Separated) -> bool:
    try:
        deque(file.rows(), maxlen=0)
    except DataError:
        return False
    return True
