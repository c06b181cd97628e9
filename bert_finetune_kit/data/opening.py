"""Opening what a user names: a Hub id, files, a folder or a data set in memory, as splits read when needed."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import datasets
import pandas as pd
from datasets import Dataset, DatasetDict

from ..compat.datasets import no_progress_bars
from ..compat.hub import data_set_failure, local_folder_note
from ..errors import DataError
from ..tasks.squad import QA_TASKS
from .files import ENDINGS, SPLIT_WORDS, Files, ending_of, missing_path, root_cause, split_name
from .memory import FoldData, as_dataset, check_named

T = TypeVar("T")
DataLike: TypeAlias = str | Path | Sequence[Any] | Mapping[str, Any] | Dataset | DatasetDict | pd.DataFrame
"""Hub id, file, folder, list of files, or data in memory, a list of dicts and a dict of columns or splits included."""

# (Hub id, config) of data sets with a bare name in common use.
HUB_NAMES: dict[str, tuple[str, str | None]] = {
    name: ("Salesforce/wikitext", name)
    for name in ("wikitext-2-raw-v1", "wikitext-2-v1", "wikitext-103-raw-v1", "wikitext-103-v1")
} | {name: (task.dataset, None) for name, task in QA_TASKS.items()}

Opened: TypeAlias = Files | Dataset
"""A split that is not read yet."""


class Splits(Mapping[str, T], Generic[T]):
    """Splits by name. A split is read when it is looked up: those that nobody needs are never read."""

    def __init__(
        self,
        source: str,
        opened: Mapping[str, Opened],
        read: Callable[[Opened, str], T],
        notes: tuple[str, ...] = (),
    ) -> None:
        """Keep what is needed to read the splits.

        Args:
            source: name of the source for messages.
            opened: splits by name.
            read: reads a split; its second argument is the name of the split for messages.
            notes: on the source, for the report.
        """
        self.source = source
        self.notes = notes
        self._opened = opened
        self._read = read

    def __getitem__(self, split: str) -> T:
        return self._read(self._opened[split], f"{self.source}, split {split!r}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened)

    def __len__(self) -> int:
        return len(self._opened)

    def __contains__(self, split: object) -> bool:
        return split in self._opened  # without reading it

    def pick(self, split: str) -> T:
        """Read a split.

        Raises:
            DataError: there is no such split; the message lists those there are.
        """
        if split not in self:
            raise self.missing(split)
        return self[split]

    def pick_first(self, *preferred: str) -> T:
        """Read the first of the preferred splits that exists, else the only split.

        Raises:
            DataError: none of them exists, and there are several others.
        """
        split = next((split for split in preferred if split in self), None)
        if split is None and len(self) != 1:
            raise self.missing(*preferred)
        return self[split or next(iter(self))]

    def missing(self, *wanted: str) -> DataError:
        """Return the error for splits that are not there."""
        names = f"is no split {' or '.join(map(repr, wanted))}" if wanted else "are several splits, and one is needed,"
        return DataError(f"There {names} in {self.source}. Available splits: {', '.join(self)}.")


def open_splits(
    given: DataLike,
    read: Callable[[Opened, str], T],
    endings: Collection[str],
    split: str = "train",
    config: str | None = None,
    encoding: str | None = None,
) -> Splits[T]:
    """Open a data set as splits by name, without reading files.

    Files, or their folders, indicate their splits by name (`train`, `dev`, `test`, …). In a folder without training
    files, the files that indicate no split form the split `split`; otherwise each is a split of its own name.

    Args:
        given: Hub id, file, folder, list of files, `Dataset`, `DatasetDict`, DataFrame, list of dicts, dict of
            columns, or dict of splits, each of these.
        read: reads the files or rows of a split; its second argument is the name of the split for messages.
        endings: of the files of a folder that can be read.
        split: name for what has no splits of its own.
        config: configuration of a Hub data set.
        encoding: of files of text; none means UTF-8, or what a byte order mark says.

    Raises:
        DataError: it does not exist, or is none of these.
    """
    given = as_dataset(given)
    check_named(given)
    given = unwrap(given)
    if (
        isinstance(given, str)
        and given in HUB_NAMES
        and not Path(given).exists()
        and Path(HUB_NAMES[given][0]).is_dir()
    ):
        given = HUB_NAMES[given][0]  # a folder is taken by either name
    is_hub_name = isinstance(given, str) and ("/" in given or given in HUB_NAMES)
    notes = local_folder_note(given) if is_hub_name else ()
    opened = {
        name: replace(part, encoding=encoding) if isinstance(part, Files) else part
        for name, part in _open(given, endings, split, config).items()
    }
    return Splits(describe_source(given, config), opened, read, notes)


def _open(given: Any, endings: Collection[str], split: str, config: str | None) -> Mapping[str, Opened]:
    if isinstance(given, Dataset):
        return {split: given}
    if isinstance(given, Mapping):
        return {str(name): _open_split(rows, endings, str(name), config) for name, rows in given.items()}
    if isinstance(given, list | tuple):
        return {split: _list_of_files(given)}
    if not isinstance(given, str | Path):
        raise DataError(
            f"The data set is of type {type(given).__name__}: give a Hub id, a path, a list of paths or of dicts, a "
            "dict of columns or of splits, a DataFrame, a Dataset or a DatasetDict."
        )
    path = Path(given).expanduser()
    if _is_saved(path):
        return _open(datasets.load_from_disk(str(path)), endings, split, config)
    if is_model_folder(path):
        raise DataError(
            f"{path} is the folder of a model, with config.json and weights, and no data. Give data in its place, and "
            "the model as model=."
        )
    if path.is_dir():
        return _open_folder(path, endings, split)
    if path.is_file():
        return {split: Files((path,))}
    if isinstance(given, Path) or looks_like_path(given):
        raise missing_path(given)
    return load_hub(given, config)


def _open_split(given: Any, endings: Collection[str], split: str, config: str | None) -> Opened:
    opened = _open(given, endings, split, config)
    if len(opened) > 1:
        raise DataError(
            f"{describe_source(given)}, which is given as the split {split!r}, has several splits of its own: "
            f"{', '.join(opened)}. Give a file or a table of one split."
        )
    return next(iter(opened.values()))


def _list_of_files(given: Sequence[Any]) -> Files:
    if not given or not all(isinstance(path, str | Path) for path in given):
        raise DataError(
            "A list of data must contain paths of files, or dicts, and at least one. Join data sets in memory with "
            "datasets.concatenate_datasets."
        )
    paths = tuple(Path(path).expanduser() for path in given)
    folders = [path for path in paths if path.is_dir()]
    if folders:
        more = ", ".join(repr(str(path)) for path in paths if path != folders[0])
        raise DataError(
            f"{folders[0]} is a folder, and was given with {more}: give one folder alone, or files. A task is named "
            "apart from its data: --task NAME --train FOLDER."
        )
    missing = [path for path in paths if not path.is_file()]
    if missing and not any(looks_like_path(str(path)) for path in given):
        raise DataError(
            f"A list of strings is a list of files, and {missing[0]} is none. Texts need the name of a column: give "
            '{"text": texts}, or a list of dicts, as in [{"text": text} for text in texts].'
        )
    if missing:
        raise missing_path(*missing)
    return Files(paths)


def _open_folder(folder: Path, endings: Collection[str], split: str) -> dict[str, Files]:
    names = {
        file: split_name(file, folder)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and ending_of(file) in endings and not _is_hidden(file.relative_to(folder))
    }
    if not names:
        raise DataError(
            f"The folder {folder} contains no file that can be read. Supported: {', '.join(endings)} (each may be .gz)."
        )
    in_folder = not any(name.partition("_")[0] in SPLIT_WORDS for name in names.values())
    if "train" not in names.values() and split not in names.values():
        names = {file: name if name.partition("_")[0] in SPLIT_WORDS else split for file, name in names.items()}
    ordered = sorted(set(names.values()), key=lambda name: (name != split, list(names.values()).index(name)))
    return {name: Files(tuple(file for file in names if names[file] == name), in_folder) for name in ordered}


def _is_saved(folder: Path) -> bool:
    """Whether `Dataset.save_to_disk` or `DatasetDict.save_to_disk` has written a folder."""
    files = (("dataset_dict.json",), ("dataset_info.json", "state.json"))
    return any(all((folder / name).is_file() for name in names) for names in files)


def is_model_folder(path: Path) -> bool:
    """Whether a folder has a model in it, and no table of data."""
    if not (path / "config.json").is_file():
        return False
    endings = {ending_of(file) for file in path.iterdir() if file.is_file()}
    return bool(endings & {".safetensors", ".bin"}) and not endings & {".csv", ".tsv", ".parquet"}


def _is_hidden(file: Path) -> bool:
    """Whether a file, or a folder that it is in, is hidden, as are the copies that notebooks and macOS leave behind."""
    return any(part.startswith(".") for part in file.parts)


def load_hub(name: str, config: str | None) -> dict[str, Dataset]:
    """Load all splits of a data set on the Hub.

    Args:
        name: Hub id, such as `nyu-mll/glue`, or one of `HUB_NAMES`.
        config: configuration of the data set, if it has several.

    Raises:
        DataError: it cannot be loaded.
    """
    hub_id, own_config = HUB_NAMES.get(name, (name, None))
    config = own_config or config
    try:
        with no_progress_bars():
            loaded = datasets.load_dataset(hub_id, config)
    except Exception as error:
        failure = data_set_failure(hub_id, error)
        configured = f", config {config}" if config else ""
        raise DataError(
            f"{name!r} is not a local file or folder, and the Hub data set {hub_id}{configured} cannot be loaded: "
            + (failure or _other_failure(error))
        ) from (None if failure else error)
    return {str(split): rows for split, rows in loaded.items()}


def _other_failure(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    if len(lines) > 1 and lines[0].startswith("Config name is missing"):
        return (
            f"it has several configs. {lines[1]}. Set hub_config to one of them (for a classification, that of the "
            "ClassificationTask)."
        )
    return f"{root_cause(error).rstrip('.')}. Check the spelling and the config, or give a local file or folder."


def looks_like_path(given: str) -> bool:
    """Whether a name is that of a file or folder and not of a data set on the Hub."""
    is_path = given.startswith((".", "/", "~")) or given.count("/") > 1 or "\\" in given
    return is_path or ending_of(Path(given)) in ENDINGS


def unwrap(given: Any) -> Any:
    """Return the only item of a list, since a command line passes a single name as a list; else what is given."""
    return given[0] if isinstance(given, list | tuple) and len(given) == 1 else given


def describe_source(given: Any, config: str | None = None) -> str:
    """Name a data set for messages and reports.

    >>> describe_source("nyu-mll/glue", "sst2"), describe_source(["a.csv", "b.csv"])
    ('nyu-mll/glue (sst2)', 'a.csv, b.csv')
    """
    given = unwrap(given)
    if isinstance(given, list | tuple) and all(isinstance(path, str | Path) for path in given):
        return ", ".join(map(str, given))
    if isinstance(given, FoldData):
        return given.name
    if isinstance(given, Mapping) and all(isinstance(path, str | Path) for path in given.values()):
        return ", ".join(map(str, given.values()))
    if not isinstance(given, str | Path):
        return "a data set in memory"
    return f"{given} ({config})" if config else str(given)
