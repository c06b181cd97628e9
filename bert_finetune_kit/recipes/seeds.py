"""The same run with several seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import ConfigError, OutputError
from ..reporting.schema import RunReport
from ..reporting.seeds import SeedsReport, summarize_seeds
from ..runs.directory import RunDirectory, other_settings


class Seedable(Protocol):
    """A recipe with one of the seeds."""

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


def train_with_seeds(
    seeds: Sequence[int], recipes: Mapping[int, Seedable], resume: bool, force: bool = False
) -> SeedsReport:
    """Train once with each seed that has not finished, and return mean and standard deviation of all.

    Args:
        seeds: at least two, each once.
        recipes: of each seed.
        resume: whether unfinished runs may continue, and finished ones may train longer.
        force: as for `Recipe.train`; a finished run with other settings is refused all the same.

    Raises:
        ConfigError: there are fewer than two seeds, or one is given twice.
        OutputError: a folder cannot be used, or holds a run with other settings or data.
    """
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds are {list(seeds)}: a standard deviation needs two or more, each of them once.")
    finished: dict[int, RunReport] = {}
    for seed, recipe in recipes.items():
        folder = RunDirectory(Path(recipe.output_dir), recipe.is_main)
        if folder.is_finished and not _trains_longer(folder, recipe.current_fingerprint(), resume):
            finished[seed] = folder.load_report()
            continue
        folder.check(resume)
        if resume and (folder.has_checkpoint or folder.is_finished):
            folder.claim(recipe.current_fingerprint(), resume, force)
    return summarize_seeds(seeds, [finished.get(seed) or recipes[seed].train(resume, force) for seed in seeds])


def _trains_longer(folder: RunDirectory, fingerprint: Mapping[str, Any], resume: bool) -> bool:
    """Return whether the finished run of a seed is to train longer.

    Raises:
        OutputError: it has finished with other settings, data or versions.
    """
    different = folder.compare_finished(fingerprint)
    refused = different.versions if resume else (*different.versions, *different.extended)
    if refused:
        raise OutputError(other_settings(f"{folder.path} has finished with other settings:", refused))
    return bool(different.extended)
