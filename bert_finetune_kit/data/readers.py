"""Opening what a user names: files, folders, Hub data sets and data sets in memory, as lines or records of text."""

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset, DatasetDict, Value

from ..errors import DataError
from .documents import FILE_BREAK

# Names that the field uses bare, as (Hub id, config).
KNOWN_NAMES = {
    name: ("Salesforce/wikitext", name)
    for name in ("wikitext-2-raw-v1", "wikitext-2-v1", "wikitext-103-raw-v1", "wikitext-103-v1")
}
_READERS = {".txt": "text", ".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
_SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test",),
}
SPLITS = tuple(_SPLIT_NAMES)


@dataclass(frozen=True)
class Lines:
    """Files of plain text, read a line at a time."""

    files: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(_read_lines(file) for file in self.files)

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Return what tells this text from others: paths, sizes and times."""
        stats = [(file, Path(file).stat()) for file in self.files]
        return [(file, stat.st_size, stat.st_mtime_ns) for file, stat in stats]


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
        """Return what tells this text from others."""
        return (self.dataset._fingerprint, self.column)


def _read_lines(file: str) -> Iterator[str]:
    opener: Callable[..., Any] = gzip.open if file.endswith(".gz") else open
    with opener(file, "rb") as stream:
        for number, line in enumerate(_whole(stream, file), start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{file}, line {number}: byte 0x{line[error.start]:02x} at position {error.start} is not UTF-8. "
                    "Save the file as UTF-8 (for example: iconv -f latin1 -t utf-8) and try again."
                ) from error
    yield FILE_BREAK


def _whole(stream: Any, file: str) -> Iterator[bytes]:
    try:
        yield from stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file} is no whole gzip file: {error}.") from error


def open_text(given: Any, split: str, config: str | None, column: str | None) -> dict[str, Lines | Records]:
    """Open a data set as splits by name, without reading its text yet.

    Args:
        given: Hub id, file, folder, list of files, `Dataset` or `DatasetDict`.
        split: name for what has no splits of its own.
        config: configuration of a Hub data set.
        column: column that holds the text; none means `text`, or the only column of strings.

    Raises:
        DataError: it is missing, empty, unreadable, or it is not clear which column holds the text.
    """
    if isinstance(given, list | tuple) and len(given) == 1:
        given = given[0]
    if isinstance(given, Dataset):
        return {split: _records(given, column)}
    if isinstance(given, DatasetDict):
        return {name: _records(rows, column) for name, rows in given.items()}
    if isinstance(given, list | tuple):
        return {split: _open_files([Path(file).expanduser() for file in given], column)}
    if not isinstance(given, str | Path):
        raise DataError(
            f"The data set is a {type(given).__name__}: a Hub id, a path, a list of paths or a Dataset is needed."
        )
    path = Path(given).expanduser()
    if path.is_dir():
        return _open_folder(path, split, column)
    if path.is_file():
        return {split: _open_files([path], column)}
    if looks_like_path(str(given), _READERS):
        raise missing_path(given)
    return _open_hub(str(given), config, column)


def looks_like_path(given: str, endings: Iterable[str]) -> bool:
    """Whether a name is that of a file or folder and not of a data set on the Hub."""
    known_ending = Path(given.removesuffix(".gz")).suffix in endings
    return known_ending or given.startswith((".", "/", "~")) or given.count("/") > 1 or "\\" in given


def missing_path(given: Any) -> DataError:
    """Return the error of a file or folder that is not there."""
    return DataError(f"{given} does not exist (looked in {Path.cwd()}). Check the spelling of the path.")


def split_of(file: Path, root: Path) -> str:
    """Return the split that the name of a file tells, or the name of its folder below `root`; else the bare name.

    >>> names = ("train-00000-of-00002.parquet", "imdb_train.csv", "dev_2.csv", "dev_matched.tsv", "notes.txt")
    >>> [split_of(Path("d", name), Path("d")) for name in names]
    ['train', 'train', 'validation', 'validation_matched', 'notes']
    """
    bare = file.name.split(".")[0].lower()
    for one in (bare, *(part.lower() for part in file.relative_to(root).parts[:-1])):
        words = re.split(r"[-_\s]+", re.sub(r"(?<=[a-z])\d+$", "", one))
        for place, word in enumerate(words):
            split = next((name for name, known in _SPLIT_NAMES.items() if word in known), None)
            if split is not None:
                kind = [more for more in words[place + 1 :] if more in ("matched", "mismatched")]
                return "_".join([split, *kind])
    return bare


def _open_folder(folder: Path, split: str, column: str | None) -> dict[str, Lines | Records]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and _reader(file) is not None)
    if not files:
        raise DataError(f"The folder {folder} holds no file that can be read ({', '.join(_READERS)}, or .gz of these).")
    told = {file: split_of(file, folder) for file in files}
    splits = {name: [file for file in files if told[file] == name] for name in _SPLIT_NAMES}
    if not splits["train"]:
        splits["train"] = [file for file in files if told[file] not in _SPLIT_NAMES]
    if not splits["train"]:
        return {split: _open_files(files, column)}
    return {name: _open_files(found, column) for name, found in splits.items() if found}


def _reader(file: Path) -> str | None:
    return _READERS.get(Path(file.name.removesuffix(".gz")).suffix.lower())


def _open_files(files: list[Path], column: str | None) -> Lines | Records:
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise DataError(f"No such file: {', '.join(missing)}. Check the spelling of the path.")
    empty = [str(file) for file in files if file.stat().st_size == 0]
    if len(empty) == len(files):
        raise DataError(f"Nothing to read: {', '.join(empty)} is empty.")
    readers = {_reader(file) for file in files}
    if len(readers) > 1 or None in readers:
        names = ", ".join(str(file) for file in files[:5])
        raise DataError(f"{names}: files must be of one kind, and that one of {', '.join(_READERS)} (or .gz of these).")
    reader = str(readers.pop())
    if reader == "text":
        if column is not None:
            raise DataError(f"text_column is {column!r}, and {files[0]} is plain text, which has no columns.")
        return Lines(tuple(str(file.resolve()) for file in files))
    try:
        with quiet_datasets():
            options = {"keep_default_na": False} if reader == "csv" else {}  # "NA" and "None" are words
            loaded = datasets.load_dataset(reader, data_files=[str(file) for file in files], split="train", **options)
    except Exception as error:
        if "corresponds to no data" in str(error):
            raise DataError(f"{files[0]} has no rows.") from error
        raise DataError(f"{files[0]} cannot be read as {reader}: {root_cause(error)}") from error
    return _records(loaded, column)


def _open_hub(name: str, config: str | None, column: str | None) -> dict[str, Lines | Records]:
    hub_id, config = KNOWN_NAMES.get(name, (name, config))
    return {split: _records(rows, column) for split, rows in load_hub(hub_id, config, name).items()}


def load_hub(hub_id: str, config: str | None, given: str | None = None) -> dict[str, Dataset]:
    """Load all splits of a data set on the Hub.

    Args:
        hub_id: such as `nyu-mll/glue`.
        config: configuration of the data set, if it has several.
        given: the name that the user gave.

    Raises:
        DataError: it cannot be had.
    """
    try:
        with quiet_datasets():
            loaded = datasets.load_dataset(hub_id, config)
    except Exception as error:
        raise DataError(
            f"{(given or hub_id)!r} is no local file or folder, and as a data set on the Hub ({hub_id}"
            f"{', config ' + config if config else ''}) it cannot be loaded: {root_cause(error)}. "
            "Check the spelling, the config and the network, or give a local file or folder."
        ) from error
    return {str(name): rows for name, rows in loaded.items()}


def _records(dataset: Dataset, wanted: str | None) -> Records:
    if dataset.num_rows == 0:
        raise DataError("The data set has no rows.")
    text_types = {"string", "large_string"}
    strings = [name for name, kind in dataset.features.items() if isinstance(kind, Value) and kind.dtype in text_types]
    listing = ", ".join(f"{name} ({getattr(kind, 'dtype', kind)})" for name, kind in dataset.features.items())
    if dataset.num_rows == 1 and any(not isinstance(kind, Value) for kind in dataset.features.values()):
        raise DataError(f"The file holds one nested object instead of records. There are: {listing}.")
    column = wanted or ("text" if "text" in strings else strings[0] if len(strings) == 1 else None)
    if column is None:
        raise DataError(f"Which column holds the text? Name it with text_column. There are: {listing}.")
    if column not in dataset.column_names:
        raise DataError(f"There is no column {column!r}. There are: {listing}.")
    if column not in strings:
        raise DataError(f"The column {column!r} holds no text. There are: {listing}.")
    return Records(dataset, column)


def root_cause(error: BaseException) -> str:
    """Return type and first line of the error that started a chain of them."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no details'}"


@contextmanager
def quiet_datasets() -> Iterator[None]:
    """Keep the progress bars of `datasets` off while inside; leave them as they were after."""
    shown = datasets.utils.logging.is_progress_bar_enabled()
    datasets.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            datasets.utils.logging.enable_progress_bar()
