"""Running a recipe from a command line."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..command_line import RunArguments, parse_arguments
from ..errors import KitError
from ..reporting.folds import FoldsReport
from ..reporting.schema import RunReport
from ..reporting.seeds import SeedsReport
from ..training.arguments import fitting_defaults
from .exit_codes import exit_after, process_rank


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


class Runnable(Protocol):
    """What a command line can train."""

    @property
    def is_main(self) -> bool:
        """Whether this is the main process."""

    def train(self, resume: bool, force: bool) -> RunReport:
        """Train once."""

    def train_seeds(self, seeds: Sequence[int], resume: bool, force: bool) -> SeedsReport:
        """Train once with each seed."""

    def cross_validate(self, folds: int, resume: bool, force: bool) -> FoldsReport:
        """Train once for each fold."""


def run_command_line(
    parse: Callable[[Sequence[str] | None], tuple[Runnable, RunArguments]], argv: Sequence[str] | None
) -> RunReport | SeedsReport | FoldsReport:
    """Train what the flags ask for, and return its report.

    Args:
        parse: flags → recipe, and how to run it.
        argv: flags; none means those of the process.

    Raises:
        SystemExit: with 2 after a `KitError`, whose message is printed, by one of several processes that have it; with
            128 + its number after a signal.
    """
    is_main = process_rank() == 0
    try:
        recipe, run = parse(argv)
        is_main = recipe.is_main
        if run.seeds:
            return recipe.train_seeds(run.seeds, run.resume, run.force)
        if run.folds is not None:
            return recipe.cross_validate(run.folds, run.resume, run.force)
        return recipe.train(run.resume, run.force)
    except KitError as error:
        exit_after(error, is_main)
