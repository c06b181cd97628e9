"""Rows with columns of any source: labelled examples and flat files of questions."""

import csv
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from datasets import Dataset

from ..errors import DataError
from .files import ending_of, load_files, open_file, root_cause
from .opening import DataLike, Opened, Splits, open_splits

TABLE_FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def open_tables(
    given: DataLike, split: str = "train", config: str | None = None, column_names: Sequence[str] | None = None
) -> Splits[Dataset]:
    """Open a data set as tables by split; a table is read when it is looked up.

    Args:
        given: Hub id, file, folder, list of files, `Dataset` or `DatasetDict`. Files are .csv, .tsv, .json, .jsonl and
            .parquet, or .gz of these.
        split: name for what has no splits of its own.
        config: configuration of a Hub data set.
        column_names: names of the columns, for .csv and .tsv files without a header line.

    Raises:
        DataError: it is missing; and when a split is looked up, it is empty or cannot be read.
    """
    return open_splits(given, partial(read_table, column_names=column_names), TABLE_FORMATS, split, config)


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
    if builder != "csv":
        return load_files(builder, opened.paths)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of rows with more cells than the header
            frames = [_read_separated(path, column_names) for path in opened.paths]
    except Exception as error:
        raise DataError(f"{opened.paths[0]} cannot be read: {root_cause(error)}") from error
    return Dataset.from_pandas(pd.concat(frames, ignore_index=True), preserve_index=False)


def _read_separated(path: Path, column_names: Sequence[str] | None) -> pd.DataFrame:
    """Read a .csv or .tsv file with every cell as text: `NA` and `None` are words, only an empty cell is missing.

    The task decides what a column means; guessing types would turn labels with one empty cell into fractions.
    """
    is_tsv = ending_of(path) == ".tsv"
    return pd.read_csv(
        path,
        sep="\t" if is_tsv else ",",
        quoting=csv.QUOTE_NONE if is_tsv and not _is_quoted(path) else csv.QUOTE_MINIMAL,
        names=list(column_names) if column_names else None,
        header=None if column_names else 0,
        index_col=False,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8-sig",
        engine="c",
    )


def _is_quoted(path: Path) -> bool:
    """Whether the quotation marks of a .tsv file enclose its cells, and are not part of the text.

    GLUE's own files are not quoted: a cell there can begin with a quotation mark and end without one. In a quoted file
    every row can be parsed as such, and has as many cells as the first.
    """
    with open_file(path, "rt", encoding="utf-8-sig", newline="") as stream:
        lines = [line for line in stream if line.strip()]
    if not any(line.startswith('"') or '\t"' in line for line in lines):
        return False
    try:  # each line alone: a quotation over several rows is text, and must not swallow them
        widths = {len(row) for line in lines for row in csv.reader([line], delimiter="\t", strict=True)}
    except csv.Error:
        return False
    return len(widths) == 1
