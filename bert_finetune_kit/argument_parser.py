"""A parser of `argparse` whose errors are those of the kit, and whose help any terminal can show."""

import argparse
import sys
from typing import Any, NoReturn

from .errors import ConfigError
from .output import write_to


class ArgumentParser(argparse.ArgumentParser):
    """Raises instead of ending the process, since each of several processes would print the error."""

    def print_help(self, file: Any = None) -> None:
        """Print the help, whose texts have characters that not every terminal can show."""
        write_to(sys.stdout if file is None else file, self.format_help())

    def error(self, message: str) -> NoReturn:
        """Raise a `ConfigError` with the message."""
        raise ConfigError(f"Command line: {message}")
