"""Rows of a file one at a time: whatever its size, memory stays flat."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DataError
from .columns import listed
from .encoding import open_file, read_lines
from .files import Files, ending_of, missing_path
from .json_files import read_objects
from .question_rows import nested_questions
from .tables import TABLE_FORMATS, separated

_BATCH = 1000  # rows of a .parquet file that are decoded at once


def stream_rows(
    path: Path, column_names: Sequence[str] | None = None, encoding: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a .csv, .tsv, .jsonl or .parquet file, or .gz of these, by column.

    Cells of .csv and .tsv files are text, None where they are empty. A .json file is read as a whole: a list of
    objects, or an object that has such a list under `data`, also that of SQuAD.

    Args:
        path: of the file.
        column_names: names of the columns, for .csv and .tsv files without a header line.
        encoding: of text; none means UTF-8, or what a byte order mark says.

    Raises:
        DataError: there is no such file, it is of another format, or it cannot be read; errors of later rows are
            raised when these are reached.
    """
    if not path.is_file():
        raise missing_path(path)
    Files((path,)).common_format(TABLE_FORMATS)
    return _READERS[ending_of(path)](path, column_names, encoding)


def _separated(path: Path, column_names: Sequence[str] | None, encoding: str | None) -> Iterator[dict[str, Any]]:
    rows = separated(path, column_names, encoding).rows()
    names = next(rows)
    return ({name: cell or None for name, cell in zip(names, cells, strict=True)} for cells in rows)


def _json(path: Path, _: Sequence[str] | None, encoding: str | None) -> Iterator[dict[str, Any]]:
    rows: Any = read_objects(path, encoding)
    if isinstance(rows, list) and rows and "paragraphs" in rows[0]:
        rows = nested_questions(rows, str(path))
    return iter(rows)


def _parquet(path: Path, _: Sequence[str] | None, __: str | None) -> Iterator[dict[str, Any]]:
    try:
        with open_file(path) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(_BATCH):
                yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} cannot be read as parquet: {error}") from error


_READERS = {
    ".csv": _separated, ".tsv": _separated, ".jsonl": _json, ".json": _json, ".parquet": _parquet,
}  # fmt: skip


def count_rows(path: Path, encoding: str | None = None) -> int | None:
    """Return about how many rows a file has, for a progress bar: of text its lines; None where that is not known.

    Args:
        path: of the file.
        encoding: as in `stream_rows`.
    """
    ending = ending_of(path)
    if ending == ".json":
        return None
    if ending == ".parquet":
        with open_file(path) as stream:
            return int(pq.ParquetFile(stream).metadata.num_rows)
    return sum(bool(line.strip()) for line in read_lines(path, encoding=encoding))


def check_row(row: Mapping[str, Any], columns: Sequence[str], path: Path) -> None:
    """Check that the first row of a file has columns.

    Raises:
        DataError: it has not; the message lists those there are.
    """
    missing = [column for column in columns if column not in row]
    if missing:
        raise DataError(f"{path} has no column {' and no column '.join(map(repr, missing))}. Columns: {listed(row)}.")
