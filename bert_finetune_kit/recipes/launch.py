"""Running a recipe from a command line."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..command_line import RunArguments, as_flags, parse_arguments
from ..errors import KitError, RunStopped
from ..output import show
from ..reporting.schema import RunReport
from ..reporting.seeds import SeedsReport
from ..training.arguments import fitting_defaults


def parse_flags(
    types: Sequence[Any],
    defaults: dict[str, Any],
    argv: Sequence[str] | None,
    further_defaults: Callable[..., dict[str, Any]],
) -> tuple[Any, ...]:
    """Return one object of each dataclass, with defaults that depend on other flags.

    Args:
        types: dataclasses whose fields are flags.
        defaults: that differ from those of the dataclasses.
        argv: flags; none means those of the process.
        further_defaults: objects of all types → defaults that depend on what they hold.
    """
    first = parse_arguments(types, defaults, argv, show_help=False, adapt=fitting_defaults)
    return parse_arguments(types, defaults | further_defaults(*first), argv, adapt=fitting_defaults)


# Of processes with the same error the first one tells it. The others wait that long for it to end, upon which the
# launcher sends them a SIGTERM, before they tell an error that they alone have.
_PATIENCE = 10.0


class Runnable(Protocol):
    """What a command line can train."""

    @property
    def is_main(self) -> bool:
        """Whether this is the main process."""

    def train(self, resume: bool, force: bool) -> RunReport:
        """Train once."""

    def train_seeds(self, seeds: Sequence[int], resume: bool, force: bool) -> SeedsReport:
        """Train once with each seed."""


def run_command_line(
    parse: Callable[[Sequence[str] | None], tuple[Runnable, RunArguments]], argv: Sequence[str] | None
) -> RunReport | SeedsReport:
    """Train what the flags ask for, and return its report.

    Args:
        parse: flags → recipe, and how to run it.
        argv: flags; none means those of the process.

    Raises:
        SystemExit: with 2 after a `KitError`, whose message is printed, by one of several processes that have it; with
            128 + its number after a signal.
    """
    rank = int(os.environ.get("RANK", 0))  # of a launcher; an error may come before there is a recipe
    is_main = rank == 0
    try:
        recipe, run = parse(argv)
        is_main = recipe.is_main
        if run.seeds:
            return recipe.train_seeds(run.seeds, run.resume, run.force)
        return recipe.train(run.resume, run.force)
    except RunStopped as stopped:
        if is_main:
            show(str(stopped))
        raise SystemExit(128 + stopped.signal) from stopped
    except KitError as error:
        place = ""
        if not is_main:
            wait_for_launcher(_PATIENCE)
            place = f"Process {rank}: "
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
