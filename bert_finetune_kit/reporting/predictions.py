"""Predictions of single examples, one a line of JSON, by which runs can be compared example by example."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xxhash

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


def read_predictions(folder: str | Path) -> list[dict[str, Any]]:
    """Return the rows of `predictions.jsonl` in a folder.

    Raises:
        OSError: it cannot be read.
        ValueError: a line is not JSON.
    """
    lines = (Path(folder) / PREDICTIONS_FILE).read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]
