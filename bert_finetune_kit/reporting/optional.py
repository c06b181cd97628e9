"""Steps that a finished run can do without: each fails by itself, with a line on how to have its result later."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeAlias, TypeVar

from ..errors import KitError
from ..output import show

Result = TypeVar("Result")
Parts: TypeAlias = "Mapping[str, Callable[[], object]]"
"""Steps of which none needs another, by what is missing where one fails."""


def attempt(fault: str, step: Callable[[], Result], later: str) -> tuple[Result | None, tuple[str, ...]]:
    """Take a step whose failure must not cost what was computed before it.

    Args:
        fault: what is missing if it fails.
        step: calls any library.
        later: what to do to have its result later.

    Returns:
        The result, and no line; or None, and a line that says what is missing, why, and what to do.

    >>> attempt("The page was not written", lambda: 1 / 0, "Write it again.")
    (None, ('The page was not written: ZeroDivisionError: division by zero. Write it again.',))
    """
    try:
        return step(), ()
    except (Exception, SystemExit) as error:  # whatever it is; rich ends the process where a pipe is closed
        return None, (fault_line(fault, error, later),)


def attempt_aloud(fault: str, step: Callable[[], Result], later: str) -> Result | None:
    """Take a step as `attempt` does, and print the line."""
    result, lines = attempt(fault, step, later)
    for line in lines:
        with suppress(OSError):  # such as a full disk that standard output goes to
            show(line)
    return result


def attempt_all(parts: Parts, later: str) -> None:
    """Take each step as `attempt_aloud` does."""
    for fault, step in parts.items():
        attempt_aloud(fault, step, later)


def fault_line(fault: str, error: BaseException, later: str) -> str:
    """Return a line on an error; those of the kit explain themselves, others have their type in front."""
    reason = str(error) if isinstance(error, KitError) else f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"{fault}: {reason.rstrip('.: ')}. {later}"
