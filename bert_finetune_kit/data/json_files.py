"""Files of JSON and JSON lines: what would be lost in reading them, and where they cannot be read."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import DataError
from .encoding import check_encoding, open_text_file, read_lines

_KINDS = {str: "a string", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def load_json(path: Path, encoding: str | None = None) -> Any:
    """Return the content of a file of JSON.

    Raises:
        DataError: the file cannot be read, is not of its encoding, or an object in it has a key twice.
        json.JSONDecodeError: it is no JSON, or is JSON lines.
    """
    with open_text_file(path, encoding=encoding) as stream:
        return _parse(stream.read(), str(path))


def check_json(path: Path) -> None:
    """Check that a file of JSON or JSON lines is UTF-8, and that no object of a list of them has a key twice.

    JSON lines with such an object are refused when they are read.

    Raises:
        DataError: it is not, or has one.
    """
    check_encoding(path)
    if not _is_lines(path):
        try:
            load_json(path)
        except json.JSONDecodeError:
            return  # JSON lines, or an error to be found in reading


def read_objects(path: Path, encoding: str | None = None) -> Iterable[dict[str, Any]]:
    """Return the objects of a file: of JSON lines, or of a list that it is, or has under `data`.

    Raises:
        DataError: the file cannot be read, or has something else.
    """
    if _is_lines(path):
        return read_json_lines(path, encoding)
    try:
        content = load_json(path, encoding)
    except json.JSONDecodeError:
        return read_json_lines(path, encoding)
    rows = content.get("data", [content]) if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path} is no list of objects: give a row as an object.")
    return rows


def read_json_lines(path: Path, encoding: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON lines, one at a time.

    Raises:
        DataError: the file cannot be read, or a line is no object; the message has its number.
    """
    for number, line in enumerate(read_lines(path, encoding=encoding), start=1):
        if not line.strip():
            continue
        try:
            row = _parse(line, f"{path}, line {number}")
        except json.JSONDecodeError as error:
            raise DataError(f"{path}, line {number}, column {error.colno}: {error.msg}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}, is {_KINDS.get(type(row), 'null')}; an object is needed.")
        yield row


def json_fault(path: Path) -> str | None:
    """Return where and why JSON or JSON lines cannot be read as a table; none if that is not found.

    Raises:
        DataError: an object in it has a key twice.
    """
    if _is_lines(path):
        return _fault_of_lines(path)
    try:
        content = load_json(path)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _fault_of_lines(path)
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    rows = content if isinstance(content, list) else [content]
    return _fault_of_rows((f"item {number} (counted from 0)", row) for number, row in enumerate(rows))


def _is_lines(path: Path) -> bool:
    return path.name.removesuffix(".gz").lower().endswith(".jsonl")


def _parse(text: str, where: str) -> Any:
    def as_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise DataError(f"{where}: an object has the key {twice!r} twice. Rename or remove one of them.")
        return content

    return json.loads(text, object_pairs_hook=as_dict)


def _fault_of_lines(path: Path) -> str | None:
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        text = line.strip()
        try:
            rows += [(f"line {number}", _parse(text, f"{path}, line {number}"))] if text else []
        except json.JSONDecodeError as error:
            return f"line {number}, column {error.colno}: {error.msg}"
    return _fault_of_rows(iter(rows))


def _fault_of_rows(rows: Iterator[tuple[str, Any]]) -> str | None:
    """Return the first row that is no object, or in which a value is of another type than before."""
    first: dict[str, str] = {}
    for where, row in rows:
        if not isinstance(row, dict):
            return f"{where} is {_KINDS.get(type(row), 'null')}; an object is needed."
        for key, value in row.items():
            kind = _KINDS.get(type(value))
            if kind is not None and first.setdefault(key, kind) != kind:
                return f"{where}: {key!r} is {kind}, and {first[key]} before. A column has values of one type."
    return None
