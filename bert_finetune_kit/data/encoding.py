"""Files of text in UTF-8 or another encoding; for bytes that are not of it the line, a guess and what to do."""

import codecs
import gzip
import shlex
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import DataError

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
UTF8 = "utf-8-sig"
"""UTF-8, with or without a byte order mark."""
_SAMPLED = 4096  # bytes by which an encoding without a mark is guessed; a multiple of 4


def open_file(path: Path, mode: str = "rb", **options: Any) -> IO[Any]:
    """Open a file, unpacking .gz."""
    opener: Callable[..., IO[Any]] = gzip.open if path.name.endswith(".gz") else open
    return opener(path, mode, **options)


def text_encoding(path: Path, encoding: str | None = None) -> str:
    """Return the encoding to read a file of text by, without its byte order mark where it has one.

    Args:
        path: of the file.
        encoding: that is given; none means that of the byte order mark, else UTF-8.

    Raises:
        DataError: the file cannot be opened.
    """
    if encoding is None:
        with open_file(path) as stream:
            start = stream.read(len(codecs.BOM_UTF32_LE))
        encoding = _marked(start) or "utf-8"
    return UTF8 if codecs.lookup(encoding).name == "utf-8" else encoding


def has_mark(path: Path) -> bool:
    """Return whether a file begins with the byte order mark of UTF-8, as of files that Windows writes."""
    with open_file(path) as stream:
        return bool(stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8)


@contextmanager
def open_text_file(path: Path, newline: str | None = None, encoding: str | None = None) -> Iterator[IO[str]]:
    r"""Open a file of text, unpacking .gz and without its byte order mark.

    Args:
        path: of the file.
        newline: as in `open`: by default `\n`, `\r\n` and a lone `\r` end a line and are read as `\n`; with "" they
            stay as they are.
        encoding: as `text_encoding` takes it.

    Raises:
        DataError: while the file is opened or read, because it cannot be, or is not of this encoding.
    """
    try:
        with open_file(path, "rt", encoding=text_encoding(path, encoding), newline=newline) as stream:
            yield stream
    except UnicodeError as error:
        codec = text_encoding(path, encoding)
        if codec == UTF8:
            raise not_utf8(path) from error
        raise DataError(
            f"{path} is not of the encoding {codec}: {error}. Set encoding= to another one, or leave it out for UTF-8."
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a complete gzip file: {error}.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error


def read_lines(path: Path, newline: str | None = None, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a file with their ends; see `open_text_file`.

    Raises:
        DataError: the file cannot be read, is not of its encoding, or has a NUL byte.
    """
    with open_text_file(path, newline, encoding) as stream:
        for line in stream:
            if "\0" in line:
                raise _nul(path, encoding)
            yield line


def check_encoding(path: Path, encoding: str | None = None) -> None:
    """Read a file of text, and do nothing with it.

    Raises:
        DataError: the file cannot be read, is not of its encoding, or has a NUL byte.
    """
    with open_text_file(path, encoding=encoding) as stream:
        while chunk := stream.read(1 << 20):
            if "\0" in chunk:
                raise _nul(path, encoding)


def not_utf8(path: Path, is_source: bool = True) -> DataError:
    """Return the error for a file that is not UTF-8, or has a NUL byte, with the first such byte.

    Args:
        path: of the file.
        is_source: whether it is one of data, whose encoding can be set.
    """
    with open_file(path) as stream:
        start = stream.read(_SAMPLED)
    with open_file(path) as stream:
        lines = (line for chunk in stream for line in chunk.splitlines())
        faults = ((number, line, _first_fault(line)) for number, line in enumerate(lines, start=1))
        number, line, place = next((number, line, place) for number, line, place in faults if place is not None)
    where = f"{path}, line {number}"
    encoding = guess_encoding(start)
    if encoding is None and not line[place]:
        command = _command(path, "tr", "-d", "\\000")
        return DataError(
            f"{where}: there is a NUL byte at position {place}, which is no text: the file is damaged. To remove all "
            f"of them: {command}"
        )
    encoding = encoding or _single_byte_encoding(line)
    command = _command(path, "iconv", "-f", encoding, "-t", "UTF-8")
    setting = f"Set encoding={encoding.lower()!r}, or s" if is_source else "S"
    return DataError(
        f"{where}: byte 0x{line[place]:02x} at position {place} is not UTF-8 text; the file may be {encoding}. "
        f"{setting}ave it as UTF-8: {command}"
    )


def _nul(path: Path, encoding: str | None) -> DataError:
    codec = text_encoding(path, encoding)
    if codec == UTF8:
        return not_utf8(path)
    return DataError(
        f"{path} has a NUL character, read by the encoding {codec}, which is no text: set encoding= to another one, or "
        "leave it out for UTF-8."
    )


def guess_encoding(start: bytes) -> str | None:
    """Return the encoding that a byte order mark or the places of NUL bytes indicate, as iconv names it; else none.

    >>> [guess_encoding("text".encode(name)) for name in ("utf-16", "utf-16-le", "utf-32-be", "utf-8")]
    ['UTF-16', 'UTF-16LE', 'UTF-32BE', None]
    """
    marked = _marked(start)
    if marked is not None:
        return marked
    # Most characters have one byte that is not 0: the first or the last of 2 or 4.
    zeros = [start[place::4].count(0) > len(start[place::4]) / 2 for place in range(4)]
    patterns = {(0, 1, 0, 1): "UTF-16LE", (1, 0, 1, 0): "UTF-16BE", (0, 1, 1, 1): "UTF-32LE", (1, 1, 1, 0): "UTF-32BE"}
    return patterns.get((int(zeros[0]), int(zeros[1]), int(zeros[2]), int(zeros[3])))


def _marked(start: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)


def _single_byte_encoding(line: bytes) -> str:
    """Return the superset of Latin-1 that Windows writes, which leaves five bytes undefined, or Latin-1 itself."""
    try:
        line.decode("cp1252")
    except UnicodeDecodeError:
        return "ISO-8859-1"
    return "WINDOWS-1252"


def _first_fault(line: bytes) -> int | None:
    """Return the position of the first byte that is NUL or not UTF-8."""
    positions = [line.find(0)]
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        positions.append(error.start)
    return min((position for position in positions if position >= 0), default=None)


def _command(path: Path, *words: str) -> str:
    """Return the command that converts a file to one of the same name with `.utf8` in it."""
    converter = shlex.join(words)
    source = shlex.quote(str(path))
    name, dot, endings = path.name.partition(".")
    target = shlex.quote(str(path.with_name(f"{name}.utf8{dot}{endings}")))
    if path.name.endswith(".gz"):
        return f"gunzip -c {source} | {converter} | gzip > {target}"
    return f"{converter} < {source} > {target}"
