"""Files of text, written completely or not at all."""

from contextlib import suppress
from pathlib import Path


def write_text(path: str | Path, text: str) -> Path:
    r"""Write a file in UTF-8 aside, then replace the one of that name: a full disk never leaves half of it.

    A lone surrogate, as in a file name that is not UTF-8, becomes its escape `\udcff`, which JSON reads back.

    Raises:
        OSError: it cannot be written; a file that was there before is as it was.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, "utf-8", "backslashreplace", newline="\n")
        return part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
