"""Files of data: their endings and formats, the split that a name indicates, and reading them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset

from ..compat.datasets import no_progress_bars
from ..errors import DataError
from .columns import did_you_mean
from .json_files import check_json, json_fault

ENDINGS = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".parquet")
_SEARCHED = 10_000  # files of a folder that are compared with a misspelt name
SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test",),
}


@dataclass(frozen=True)
class Files:
    """Files of one split, not read yet."""

    paths: tuple[Path, ...]
    in_folder: bool = False
    """Whether they are all files of a folder, whose names indicate no splits."""
    encoding: str | None = None
    """Of text; none means UTF-8, or what a byte order mark says."""

    def common_format(self, formats: Mapping[str, str]) -> str:
        """Return the format that all files share.

        Args:
            formats: formats by ending.

        Raises:
            DataError: the files are empty, or of several formats or an unsupported one.
        """
        if all(path.stat().st_size == 0 for path in self.paths):
            raise DataError(f"Nothing to read: {listing(self.paths)} is empty.")
        used = {formats.get(ending_of(path)) for path in self.paths}
        if len(used) > 1 or None in used:
            raise DataError(
                f"{listing(self.paths)}: the files of a split must share one format out of {', '.join(formats)} "
                "(each may be .gz)."
            )
        return str(used.pop())


def split_name(file: Path, root: Path) -> str:
    """Return the split that a file's name indicates, or the name of its folder below `root`; else its bare name.

    >>> names = ("train-00000-of-00002.parquet", "imdb_train.csv", "dev_2.csv", "dev_matched.tsv", "notes.txt")
    >>> [split_name(Path("d", name), Path("d")) for name in names]
    ['train', 'train', 'validation', 'validation_matched', 'notes']
    """
    stem = file.name.split(".")[0].lower()
    for name in (stem, *(part.lower() for part in file.relative_to(root).parts[:-1])):
        words = re.split(r"[-_\s]+", re.sub(r"(?<=[a-z])\d+$", "", name))
        for position, word in enumerate(words):
            split = next((split for split, synonyms in SPLIT_WORDS.items() if word in synonyms), None)
            if split is not None:
                kinds = [kind for kind in words[position + 1 :] if kind in ("matched", "mismatched")]
                return "_".join([split, *kinds])
    return stem


def load_files(builder: str, paths: Sequence[Path], **options: Any) -> Dataset:
    """Read files of one format as one memory-mapped data set.

    Args:
        builder: builder of `datasets`: json, csv or parquet.
        paths: of the files, .gz or not.
        options: of the builder.

    Raises:
        DataError: they cannot be read, or have no rows; where a file alone is at fault, it is named.
    """
    if builder == "json":
        for path in paths:
            check_json(path)
    try:
        return _load(builder, paths, options)
    except Exception as error:
        if _has_no_rows(error):
            raise DataError(f"{listing(paths)} has no rows.") from error
        at_fault = _file_at_fault(builder, paths, options)
        reason = json_fault(at_fault) if at_fault is not None and builder == "json" else None
        named = listing(paths if at_fault is None else [at_fault])
        raise DataError(f"{named} cannot be read as {builder}: {reason or root_cause(error)}") from error


def _load(builder: str, paths: Sequence[Path], options: Mapping[str, Any]) -> Dataset:
    with no_progress_bars():
        return datasets.load_dataset(builder, data_files=[str(path) for path in paths], split="train", **options)


def _has_no_rows(error: Exception) -> bool:
    return "corresponds to no data" in str(error)


def _file_at_fault(builder: str, paths: Sequence[Path], options: Mapping[str, Any]) -> Path | None:
    """Return the first file that cannot be read alone; none where they only do not fit together."""
    if len(paths) == 1:
        return paths[0]
    for path in paths:
        try:
            _load(builder, [path], options)
        except Exception as error:
            if not _has_no_rows(error):
                return path
    return None


def ending_of(path: Path) -> str:
    """Return the ending of a file's name in lower case, without .gz."""
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def missing_path(*paths: Any) -> DataError:
    """Return the error for files or folders that are not there."""
    verb = "does not exist" if len(paths) == 1 else "do not exist"
    similar = next(filter(None, map(_similar, paths)), "")
    return DataError(f"{listing(paths)} {verb}{similar} (searched in {Path.cwd()}). Check the spelling of the path.")


def _similar(path: Any) -> str:
    """Return the question after a path of which one part is misspelt, in the first folder that has no such part."""
    path = Path(path).expanduser()
    missing = next((part for part in (path, *path.parents) if part.parent.is_dir()), path)
    try:
        names = [file.name for file in islice(missing.parent.iterdir(), _SEARCHED)]
    except OSError:
        return ""
    return did_you_mean(missing.name, names)


def listing(paths: Sequence[Any]) -> str:
    """Return up to five paths for a message."""
    return ", ".join(str(path) for path in paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def root_cause(error: BaseException) -> str:
    """Return type and first line of the error that started a chain of them."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no details'}"
