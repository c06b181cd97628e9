"""What the kit needs of `datasets` below its documented interface, and the public calls that stand in for the rest."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pyarrow as pa
from datasets import Dataset, are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from datasets.fingerprint import Hasher
from datasets.table import InMemoryTable


def fingerprint_of(dataset: Dataset) -> str:
    """Return the hash of a data set's content and history, by which results computed from it are cached.

    Private: `Dataset` has no public name for it, and hashing the rows would read the whole data set.
    """
    return dataset._fingerprint


def content_hash(value: Any) -> str:
    """Return the hash of a value that `datasets` itself uses in fingerprints: equal in every process.

    `Hasher` is importable and stable, but documented nowhere.
    """
    return Hasher.hash(value)


def in_memory(columns: Mapping[str, pa.Array]) -> Dataset:
    """Return columns as a data set without a history.

    Public (the constructor). `Dataset.from_dict` hashes the rows, which takes ten times as long for a single one.
    """
    return Dataset(InMemoryTable(pa.table(dict(columns))), fingerprint=uuid4().hex)


def arrow_column(dataset: Dataset | pa.Table, name: str) -> pa.ChunkedArray:
    """Return one column as Arrow, in the order of the rows, memory-mapped where the data set is.

    `dataset.data` alone would ignore a selection of rows, which only a private attribute tells; `with_format`, which
    follows it, takes as long as the forward of a small model for a text.
    """
    if isinstance(dataset, pa.Table):
        return dataset.column(name)
    if dataset._indices is None:
        return dataset.data.column(name)
    return dataset.select_columns([name]).with_format("arrow")[:].column(name)


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Disable the progress bars of `datasets` inside the context; restore them afterwards.

    Public. `disable_progress_bars` acts on the whole process and has no context manager of its own.
    """
    were_disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not were_disabled:
            enable_progress_bars()
