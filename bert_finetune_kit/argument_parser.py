"""What every command line of the kit shares: a parser whose errors are those of the kit, and settings as flags."""

import argparse
import re
import sys
from typing import Any, NoReturn

from .errors import ConfigError
from .output import write_to

# A setting as Python writes it, with its value and, where the message has that already, its flag; not within quotation
# marks, a path or a call.
_SETTING = re.compile(
    r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|(?<![\w./='"-])(?<!\w\()(?P<name>[a-z]\w*)=(?P<value>True|False|'[^']*'|-?\d[\w.]*)?"""
    r"(?: \(--(?P=name)(?: \w+)?\))?(?=[\s,;:)]|\.(?:\s|$)|$)"
)


class ArgumentParser(argparse.ArgumentParser):
    """Raises instead of ending the process, since each of several processes would print the error."""

    def print_help(self, file: Any = None) -> None:
        """Print the help, whose texts have characters that not every terminal can show."""
        write_to(sys.stdout if file is None else file, self.format_help())

    def error(self, message: str) -> NoReturn:
        """Raise a `ConfigError` with the message."""
        raise ConfigError(f"Command line: {message}")


def as_flags(message: str) -> str:
    """Return a message with its settings as a command line writes them; errors name them as Python does.

    >>> as_flags("Set text= and label= to columns. Declare kind='regression', or pass new_head=True. 'text=' is text.")
    "Set --text and --label to columns. Declare --kind regression, or pass --new_head. 'text=' is text."
    """

    def flag(match: re.Match[str]) -> str:
        if match["name"] is None:
            return match[0]
        value = {None: "", "True": "", "False": " false"}.get(match["value"], f" {match['value']}".replace("'", ""))
        return f"--{match['name']}{value}"

    return _SETTING.sub(flag, message)
