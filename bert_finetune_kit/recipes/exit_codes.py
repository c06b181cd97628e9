"""How a process ends after an error of the kit: what it prints, and its exit code."""

import os
import signal
import sys
import threading
import time
from typing import NoReturn

from ..argument_parser import as_flags
from ..errors import KitError, RunStopped
from ..output import show

# Of processes with the same error the first one tells it. The others wait that long for it to end, upon which the
# launcher sends them a SIGTERM, before they tell an error that they alone have.
_PATIENCE = 10.0


def process_rank() -> int:
    """Return the number of this process among those of a launcher, which is known before there is a recipe."""
    return int(os.environ.get("RANK", 0))


def exit_after(error: KitError, is_main: bool) -> NoReturn:
    """Print an error with settings as the command line writes them, and end the process.

    Args:
        error: that ended what was asked for.
        is_main: whether this is the main process, which tells an error that all have.

    Raises:
        SystemExit: with 128 + the number of the signal that stopped a training, else with 2.
    """
    if isinstance(error, RunStopped):
        if is_main:
            show(str(error))
        raise SystemExit(128 + error.signal) from error
    place = ""
    if not is_main:
        wait_for_launcher(_PATIENCE)
        place = f"Process {process_rank()}: "
    show(f"{place}{type(error).__name__}: {as_flags(str(error))}", sys.stderr)
    raise SystemExit(2) from error


def wait_for_launcher(seconds: float) -> None:
    """Wait for a SIGTERM of the launcher, which means that another process has ended with an error.

    Raises:
        SystemExit: with 2 as soon as it comes.
    """

    def leave(*_: object) -> None:
        raise SystemExit(2)

    if threading.current_thread() is threading.main_thread():  # no other thread may handle signals
        signal.signal(signal.SIGTERM, leave)
    time.sleep(seconds)
