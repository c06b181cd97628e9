"""Predictions of single examples, one a line of JSON, by which runs can be compared example by example."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import xxhash

from ..errors import OutputError
from ..text_files import write_lines
from .plain import to_plain

PREDICTIONS_FILE = "predictions.jsonl"


def text_hash(*texts: str | bytes) -> str:
    """Return a hash of the texts of an example, by which it is found in another file or order.

    >>> text_hash("a", "b") == text_hash("a", "b"), text_hash("a", "b") == text_hash("ab")
    (True, False)
    """
    state = xxhash.xxh64()
    for text in texts:
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        state.update(len(content).to_bytes(8, "little") + content)
    return state.hexdigest()


def write_predictions(rows: Iterable[Mapping[str, object]], folder: str | Path) -> Path:
    """Write `predictions.jsonl` into a folder, completely or not at all; rows are read one at a time.

    Args:
        rows: of one example each, plain data.
        folder: of the run or evaluation.
    """
    lines = (json.dumps(to_plain(row), ensure_ascii=False, allow_nan=False) for row in rows)
    return write_lines(Path(folder) / PREDICTIONS_FILE, lines)


def read_predictions(
    folder: str | Path, check: Callable[[Mapping[str, Any]], str] = lambda row: ""
) -> list[dict[str, Any]] | None:
    """Return the rows of `predictions.jsonl` in a folder; None where there is no such file.

    Args:
        folder: of the run or evaluation.
        check: returns what is wrong with a row; empty where nothing is.

    Raises:
        OutputError: it cannot be read, or is not what a run has written; the message has the line.
    """
    path = Path(folder) / PREDICTIONS_FILE
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error}.") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            reason = f"column {error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else error
            raise OutputError(f"{path} cannot be read: line {number} is not JSON ({reason}).") from error
        if not isinstance(row, dict) or not isinstance(row.get("text_hash"), str):
            raise OutputError(f"{path}: line {number} is not the prediction of an example.")
        if fault := check(row):
            raise OutputError(f"{path} is of another form than its report: in line {number}, {fault}.")
        rows.append(row)
    return rows
