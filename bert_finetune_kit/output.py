"""Text for a terminal, a pipe or a log file of any encoding: no character ends a run."""

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

# What the kit itself writes beyond ASCII, by characters of the same width.
_ASCII = str.maketrans(
    {"·": "-", "→": ">", "×": "x", "±": "~", "…": ".", "—": "-", "–": "-", "−": "-", "‖": "|", "≥": ">", "≤": "<"}
)


def encodable(text: str, encoding: str | None) -> str:
    """Return a text as an encoding can hold it; what it cannot hold becomes a similar character, or its escape.

    Args:
        text: of any characters, lone surrogates included.
        encoding: none means UTF-8.

    >>> encodable("5 steps · café", "ascii"), encodable("5 steps · café", "latin-1")
    ('5 steps - caf\\\\xe9', '5 steps · café')
    """
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_encodable_character(character, encoding) for character in text)
    return text


def _encodable_character(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return character.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return character


def write_to(stream: TextIO | None, text: str) -> int:
    """Write to a stream, whatever its encoding, and return the length of the text.

    Nothing is written where there is no stream, as in a process without a console, or where it is closed, as a pipe is
    whose reader has ended.
    """
    if stream is None:
        return len(text)
    with suppress(OSError, ValueError):
        try:
            stream.write(text)
        except UnicodeEncodeError:  # nothing of the text has been written
            stream.write(encodable(text, getattr(stream, "encoding", None)))
    return len(text)


def flush(stream: TextIO | None) -> None:
    """Flush a stream; where nobody reads it any more, what is left of it goes to the null device.

    Python would try to write it once more at the end of the process, and end with the code 120.
    """
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def show(text: str, stream: TextIO | None = None) -> None:
    """Write a line to a stream, or to standard output."""
    stream = sys.stdout if stream is None else stream
    write_to(stream, f"{text}\n")
    flush(stream)


class StandardOutput:
    """Standard output as it is at the time of each call, which takes any text whatever its encoding.

    `rich.console.Console(file=StandardOutput())` writes to it.
    """

    def write(self, text: str) -> int:
        """Write a text, and return its length."""
        return write_to(self._stream, text)

    def flush(self) -> None:
        """Flush standard output."""
        flush(self._stream)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        is_open = self._stream is not None and not getattr(self._stream, "closed", False)
        return is_open and bool(self._stream.isatty())

    def fileno(self) -> int:
        """Return the number of its file, by which rich finds the size of a terminal."""
        if self._stream is None:
            raise io.UnsupportedOperation("there is no standard output")
        return int(self._stream.fileno())

    @property
    def encoding(self) -> Any:
        """Name of its encoding; none where it has none."""
        return getattr(self._stream, "encoding", None)

    @property
    def _stream(self) -> Any:
        # While rich shows a progress bar, `sys.stdout` passes lines on to the console that this stream belongs to.
        return getattr(sys.stdout, "rich_proxied_file", sys.stdout)
