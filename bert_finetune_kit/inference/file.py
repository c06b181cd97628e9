"""Predictions for a file of any size: rows in, rows with predictions out, a part at a time, resumable."""

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import xxhash
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ..data.row_stream import check_row, count_rows, stream_rows
from ..errors import DataError, OutputError
from ..json_objects import read_mapping
from ..output import show
from ..reporting.plain import to_plain
from ..reporting.terminal import stdout_console
from ..text_files import write_text

Row = Mapping[str, Any]
PredictRows = Callable[[Sequence[Row], Sequence[str]], list[dict[str, Any]]]
"""Rows of a file, and the columns of its first one → the rows to write."""
_OUTPUTS = (".csv", ".jsonl")
_EXPANDED = {"probabilities": "probability"}  # a mapping of a row → what the columns of a .csv file begin with
# Rows of similar length share a batch, so many at once are faster. What is predicted at once grows as long as it takes
# less than these seconds, which an interruption costs.
_ROWS, _SECONDS = 2048, 10


def predict_file(
    path: str | Path,
    output: str | Path,
    predict_rows: PredictRows,
    columns: Sequence[str],
    identity: str,
    *,
    batch_size: int,
    plain: bool = False,
    column_names: Sequence[str] | None = None,
) -> Path:
    """Predict the rows of a file, and write them with their predictions.

    Rows are read, predicted and written some hundreds or thousands at a time into `OUTPUT.part`, which becomes the
    output when all of them are there. Where an earlier call was interrupted, the next one with the same model and
    settings goes on after the last rows that were written, if the file still begins with the same rows.

    Args:
        path: .csv, .tsv, .jsonl, .parquet, .json, or .gz of these.
        output: .csv or .jsonl; it must not exist.
        predict_rows: rows → rows to write.
        columns: that the file must have.
        identity: of the model and its settings.
        batch_size: rows that the model reads at once.
        plain: no progress bar even on a terminal.
        column_names: names of the columns, for .csv and .tsv files without a header line.

    Returns:
        The path of the output.

    Raises:
        OutputError: the output exists, has another ending, or cannot be written.
        DataError: the file cannot be read, has no rows, or lacks a column.
    """
    if not isinstance(path, str | os.PathLike):
        raise DataError(
            f"predict_file() reads a file, and not a {type(path).__name__}: give its path. For data in memory there is "
            "predict()."
        )
    source, target = Path(path).expanduser(), Path(output).expanduser()
    check_output(target)
    first = next(stream_rows(source, column_names), None)
    if first is None:
        raise DataError(f"{source} has no rows.")
    check_row(first, columns, source)
    part = _Part(target, identity, list(first))
    console = stdout_console()
    bar = (BarColumn(bar_width=20), MofNCompleteColumn(), TimeRemainingColumn())
    show_bar = not plain and (console.is_terminal or console.is_jupyter)
    with Progress("predict", *bar, console=console, disable=not show_bar) as progress:
        task = progress.add_task("predict", total=count_rows(source) if show_bar else None)
        remaining = part.resume(lambda: stream_rows(source, column_names))
        progress.update(task, completed=part.rows)
        try:
            size = 4 * batch_size
            while chunk := list(islice(remaining, size)):
                began = time.perf_counter()
                part.append(chunk, predict_rows(chunk, part.columns))
                progress.update(task, completed=part.rows)
                if time.perf_counter() - began < _SECONDS:
                    size = min(2 * size, max(_ROWS, 16 * batch_size))
        except BaseException:
            if part.rows:
                show(f"{part.rows:,} rows are predicted in {part.path}: the same call goes on from there.")
            raise
        progress.update(task, completed=part.rows, total=part.rows)
    part.finish()
    return target


def check_output(target: Path) -> None:
    """Check that predictions can be written to a file.

    Raises:
        OutputError: it exists, has another ending than .csv and .jsonl, or its folder cannot be made.
    """
    if target.suffix.lower() not in _OUTPUTS:
        raise OutputError(f"The output is {target}: give a file that ends in {' or '.join(_OUTPUTS)}.")
    if target.exists():
        raise OutputError(f"{target} exists already: choose another output, or delete it.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder of the output {target} cannot be made: {error.strerror}.") from error


@dataclass
class _Part:
    """What is written so far: `OUTPUT.part`, and beside it in `OUTPUT.part.json` how far that is."""

    target: Path
    identity: str
    columns: list[str]
    """Of the first row of the file."""
    rows: int = 0
    size: int = 0
    """Bytes."""
    header: list[str] | None = None
    """Columns of the output, of a .csv file."""

    def __post_init__(self) -> None:
        self.path = self.target.with_name(f"{self.target.name}.part")
        self.state = self.target.with_name(f"{self.target.name}.part.json")
        self.digest = xxhash.xxh128()

    def resume(self, open_rows: Callable[[], Iterator[Row]]) -> Iterator[Row]:
        """Return the rows that are still to be predicted.

        Args:
            open_rows: reads the file from its beginning.
        """
        saved = self._saved()
        rows = open_rows()
        if saved is None:
            return rows
        for row in islice(rows, saved["rows"]):
            self.digest.update(_bytes(row))
        if self.digest.hexdigest() != saved["digest"]:  # the file begins with other rows now
            self.digest = xxhash.xxh128()
            return open_rows()
        self.rows, self.size, self.header = saved["rows"], saved["size"], saved["header"]
        return rows

    def append(self, rows: Sequence[Row], predicted: Sequence[Row]) -> None:
        """Write the predictions of rows, and then how far they go."""
        text = self._csv(predicted) if self.target.suffix.lower() == ".csv" else _json_lines(predicted)
        try:
            with self.path.open("r+b" if self.rows else "wb") as stream:
                stream.seek(self.size)  # whatever an interrupted call has written after that is overwritten
                stream.truncate()
                stream.write(text.encode("utf-8", "backslashreplace"))
                self.size = stream.tell()
            for row in rows:
                self.digest.update(_bytes(row))
            self.rows += len(rows)
            reached = {"rows": self.rows, "size": self.size, "header": self.header, "digest": self.digest.hexdigest()}
            write_text(self.state, json.dumps(reached | {"identity": self.identity}) + "\n")
        except OSError as error:
            raise OutputError(f"The predictions could not be written to {self.path}: {error}.") from error

    def finish(self) -> None:
        """Make the part the output."""
        self.path.replace(self.target)
        self.state.unlink(missing_ok=True)

    def _saved(self) -> dict[str, Any] | None:
        """Return how far an earlier call with the same model and settings has come; none without one."""
        try:
            saved = read_mapping(self.state)
            is_same = saved["identity"] == self.identity and self.path.stat().st_size >= saved["size"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return saved if is_same else None

    def _csv(self, rows: Sequence[Row]) -> str:
        """Return rows as lines of a .csv file, after its header where they are the first ones."""
        flat = [_flat(row) for row in rows]
        stream = io.StringIO()
        if self.header is None:
            self.header = list(dict.fromkeys(name for row in flat for name in row))
            csv.writer(stream, lineterminator="\n").writerow(self.header)
        unknown = next((name for row in flat for name in row if name not in self.header), None)
        if unknown is not None:
            raise DataError(
                f"A later row has the column {unknown!r}, which the first ones have not: give an output that ends in "
                ".jsonl, in which rows may differ."
            )
        csv.DictWriter(stream, self.header, lineterminator="\n").writerows(flat)
        return stream.getvalue()


def _flat(row: Row) -> dict[str, Any]:
    """Return a row as cells: probabilities one by one, other lists and objects as JSON."""
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if name in _EXPANDED and isinstance(value, Mapping):
            cells |= {f"{_EXPANDED[name]}_{key}": number for key, number in value.items()}
        else:
            is_nested = isinstance(value, Mapping | list | tuple)
            cells[name] = json.dumps(to_plain(value), ensure_ascii=False) if is_nested else value
    return cells


def _json_lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(to_plain(row), ensure_ascii=False) + "\n" for row in rows)


def _bytes(row: Row) -> bytes:
    return json.dumps(to_plain(row)).encode()
