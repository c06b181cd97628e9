"""Several runs of one recipe in folders below its own, such as those of seeds and folds."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..errors import OutputError
from ..reporting.schema import RunReport
from ..runs.directory import RunDirectory, other_settings
from .state import RecipeState


class OneOfSeveral(Protocol):
    """A recipe with one of the seeds, or with one of the folds."""

    @property
    def output_dir(self) -> str:
        """Folder of the run."""

    @property
    def is_main(self) -> bool:
        """Whether this is the main process."""

    def current_fingerprint(self) -> Mapping[str, Any]:
        """Return what the result depends on, settings and data."""

    def train(self, resume: bool, force: bool) -> RunReport:
        """Train once."""


RecipeT = TypeVar("RecipeT", bound=Any)


def in_subfolder(recipe: RecipeT, name: str) -> RecipeT:
    """Return a copy of a recipe with a folder below its own, and with arguments and callbacks of its own, not prepared.

    Args:
        recipe: as it was built.
        name: of the folder.
    """
    copied = copy.copy(recipe)
    copied.args, copied.callbacks = copy.copy(recipe.args), copy.deepcopy(recipe.callbacks)
    copied.args.output_dir = str(Path(recipe.output_dir) / name)
    copied.state = RecipeState()
    return copied


def finished_runs(recipes: Mapping[int, OneOfSeveral], resume: bool, force: bool) -> dict[int, RunReport]:
    """Return the reports of the runs that have finished and need not train longer, before any of the others trains.

    Args:
        recipes: of the runs by number.
        resume: whether unfinished runs may continue, and finished ones may train longer.
        force: as for `Recipe.train`; a finished run with other settings is refused all the same.

    Raises:
        OutputError: a folder cannot be used, or holds a run with other settings or data.
    """
    finished: dict[int, RunReport] = {}
    for number, recipe in recipes.items():
        folder = RunDirectory(Path(recipe.output_dir), recipe.is_main)
        if folder.is_finished and not _trains_longer(folder, recipe.current_fingerprint(), resume):
            finished[number] = folder.load_report()
            continue
        folder.check(resume)
        if resume and (folder.has_checkpoint or folder.is_finished):
            folder.claim(recipe.current_fingerprint(), resume, force)
    return finished


def _trains_longer(folder: RunDirectory, fingerprint: Mapping[str, Any], resume: bool) -> bool:
    """Return whether a finished run is to train longer.

    Raises:
        OutputError: it has finished with other settings, data or versions.
    """
    different = folder.compare_finished(fingerprint)
    refused = different.versions if resume else (*different.versions, *different.extended)
    if refused:
        raise OutputError(other_settings(f"{folder.path} has finished with other settings:", refused))
    return bool(different.extended)
