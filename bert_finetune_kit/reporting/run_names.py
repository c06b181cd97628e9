"""Names of runs that are shown side by side: short, and no two alike."""

import os
from collections.abc import Sequence
from pathlib import Path


def run_names(runs: Sequence[object]) -> list[str]:
    """Return for each folder the end of its path that no other folder has; what is no folder gets a number.

    Args:
        runs: folders, reports, or runs of several seeds.

    >>> run_names(["runs/small", "runs/large/"]), run_names(["sst2/seed-1", "cola/seed-1", "cola/seed-2"])
    (['small', 'large'], ['sst2/seed-1', 'cola/seed-1', 'seed-2'])
    >>> run_names(["runs/small", "runs/small", object()])
    ['small', 'small (2)', 'run 3']
    """
    paths = [Path(os.path.abspath(run)) if isinstance(run, str | Path) else None for run in runs]
    folders = {path for path in paths if path is not None}
    return distinct(
        [f"run {n}" if path is None else _end(path, folders - {path}) for n, path in enumerate(paths, start=1)]
    )


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of which one that was there before has a number.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    found: list[str] = []
    for name in names:
        number, unique = 2, name
        while unique in found:
            number, unique = number + 1, f"{name} ({number})"
        found.append(unique)
    return found


def _end(path: Path, others: set[Path]) -> str:
    """Return the fewest last parts of a path that are not the end of another one."""
    depths = range(1, len(path.parts))
    end = (depth for depth in depths if all(other.parts[-depth:] != path.parts[-depth:] for other in others))
    return Path(*path.parts[-next(end, len(path.parts)) :]).as_posix()
