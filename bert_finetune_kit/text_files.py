"""Text files of a run: UTF-8 whatever the locale, and complete."""

from collections.abc import Iterable
from contextlib import suppress
from errno import EISDIR
from os import strerror
from pathlib import Path


def write_text(path: str | Path, text: str) -> Path:
    r"""Write a file, completely or not at all; lone surrogates become escapes, which JSON reads back.

    Args:
        path: of the file.
        text: of any characters, with `\n` between lines.

    Raises:
        OSError: it cannot be written; a file that was there before is as it was.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(text.encode("utf-8", "backslashreplace"))
        return part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def check_writable(path: str | Path) -> None:
    """Check, before work whose result is to be kept there, that `write_text` can write a file; nothing is left.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be written, or is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(EISDIR, strerror(EISDIR), str(path))
    part = path.with_name(f"{path.name}.part")
    was_there = part.exists()
    part.open("ab").close()
    if not was_there:
        part.unlink()


def write_lines(path: str | Path, lines: Iterable[str]) -> Path:
    """Write a file line by line as `write_text` writes one, without holding all lines in memory.

    Args:
        path: of the file.
        lines: without their ends.

    Raises:
        OSError: it cannot be written; a file that was there before is as it was.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as stream:
            stream.writelines(f"{line}\n".encode("utf-8", "backslashreplace") for line in lines)
        return part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
