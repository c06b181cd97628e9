"""The same run with several seeds."""

from collections.abc import Mapping, Sequence

from ..errors import ConfigError
from ..reporting.seeds import SeedsReport, summarize_seeds
from .series import OneOfSeveral, finished_runs


def train_with_seeds(
    seeds: Sequence[int], recipes: Mapping[int, OneOfSeveral], resume: bool, force: bool = False
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
    finished = finished_runs(recipes, resume, force)
    return summarize_seeds(seeds, [finished.get(seed) or recipes[seed].train(resume, force) for seed in seeds])
