"""Rows with columns, from files, folders, Hub data sets or memory: the source of every labelled data set."""

import csv
import gzip
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
from datasets import Dataset, DatasetDict

from ..errors import DataError
from .readers import SPLITS, load_hub, looks_like_path, missing_path, quiet_datasets, root_cause, split_of

_READERS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def open_tables(
    given: Any, split: str = "train", config: str | None = None, column_names: Sequence[str] | None = None
) -> dict[str, Dataset]:
    """Open a data set as tables by split.

    Args:
        given: Hub id, file, folder, list of files, `Dataset` or `DatasetDict`. Files are .csv, .tsv, .json, .jsonl and
            .parquet, or .gz of these; a folder has splits where a file of it is called train.
        split: name for what has no splits of its own.
        config: configuration of a Hub data set.
        column_names: names of the columns, for .csv and .tsv files without a header line.

    Raises:
        DataError: it is missing, empty or cannot be read.
    """
    if isinstance(given, list | tuple) and len(given) == 1:
        given = given[0]
    if isinstance(given, Dataset):
        return {split: given}
    if isinstance(given, DatasetDict):
        return dict(given)
    if isinstance(given, list | tuple):
        return {split: _read_files([Path(file).expanduser() for file in given], column_names)}
    if not isinstance(given, str | Path):
        raise DataError(
            f"The data set is a {type(given).__name__}: a Hub id, a path, a list of paths or a Dataset is needed."
        )
    path = Path(given).expanduser()
    if path.is_dir():
        return _read_folder(path, split, column_names)
    if path.is_file():
        return {split: _read_files([path], column_names)}
    if looks_like_path(str(given), _READERS):
        raise missing_path(given)
    return load_hub(str(given), config)


def _ending(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).suffix.lower()


def _read_folder(folder: Path, split: str, column_names: Sequence[str] | None) -> dict[str, Dataset]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and _ending(file) in _READERS)
    if not files:
        raise DataError(f"The folder {folder} holds no file that can be read ({', '.join(_READERS)}, or .gz of these).")
    splits: dict[str, list[Path]] = {}
    for file in files:
        splits.setdefault(split_of(file, folder), []).append(file)
    if "train" not in splits:
        known = {name: found for name, found in splits.items() if name in SPLITS}
        others = [file for name, found in splits.items() if name not in SPLITS for file in found]
        splits = {split: others, **known} if others else known
    return {name: _read_files(found, column_names) for name, found in splits.items()}


def _read_files(files: list[Path], column_names: Sequence[str] | None) -> Dataset:
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise missing_path(missing[0])
    kinds = {_READERS.get(_ending(file)) for file in files}
    if len(kinds) > 1 or None in kinds:
        names = ", ".join(str(file) for file in files[:5])
        raise DataError(f"{names}: files must be of one kind, and that one of {', '.join(_READERS)} (or .gz of these).")
    try:
        if kinds == {"csv"}:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # of rows with more cells than the header
                frames = [_read_separated(file, column_names) for file in files]
            return Dataset.from_pandas(pd.concat(frames, ignore_index=True), preserve_index=False)
        with quiet_datasets():
            return datasets.load_dataset(str(kinds.pop()), data_files=[str(file) for file in files], split="train")
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{files[0]} is empty.") from error
    except Exception as error:
        raise DataError(f"{files[0]} cannot be read: {root_cause(error)}") from error


def _read_separated(file: Path, column_names: Sequence[str] | None) -> pd.DataFrame:
    """Read a .csv or .tsv file with every cell as text: `NA` and `None` are words, only an empty cell is missing.

    What a column means is told by the task; guessing types would turn labels with one empty cell into fractions.
    """
    return pd.read_csv(
        file,
        sep="\t" if _ending(file) == ".tsv" else ",",
        quoting=csv.QUOTE_NONE if _ending(file) == ".tsv" and not _is_quoted(file) else csv.QUOTE_MINIMAL,
        names=list(column_names) if column_names else None,
        header=None if column_names else 0,
        index_col=False,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8-sig",
        engine="c",
    )


def _is_quoted(file: Path) -> bool:
    """Whether the quotation marks of a .tsv file are there for its cells, and not part of the text.

    GLUE's own files are not quoted: a cell there can begin with a quotation mark and end without one. Of a quoted file
    every row can be read as such, and has as many cells as the first.
    """
    opener: Callable[..., Any] = gzip.open if file.name.endswith(".gz") else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as stream:
        lines = [line for line in stream if line.strip()]
    if not any(line.startswith('"') or '\t"' in line for line in lines):
        return False
    try:  # each line alone: a quotation over several rows is text, and must not swallow them
        widths = {len(row) for line in lines for row in csv.reader([line], delimiter="\t", strict=True)}
    except csv.Error:
        return False
    return len(widths) == 1
