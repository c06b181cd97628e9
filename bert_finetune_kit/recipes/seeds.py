"""The same run with several seeds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import ConfigError, OutputError
from ..reporting.schema import RunReport
from ..reporting.seeds import SeedsReport, summarize_seeds
from ..runs.directory import RunDirectory
from ..runs.fingerprint import report_differences

_OF_A_SEED = ("seed", "data_seed")


def train_with_seeds(
    seeds: Sequence[int],
    folders: Mapping[int, RunDirectory],
    fingerprint: Mapping[str, Any],
    train: Callable[[int], RunReport],
    resume: bool,
) -> SeedsReport:
    """Train once with each seed that has not finished, and return mean and standard deviation of all.

    Args:
        seeds: at least two, each once.
        folders: of each seed.
        fingerprint: settings that all runs must have in common.
        train: seed → report.
        resume: whether unfinished runs may continue.

    Raises:
        ConfigError: there are fewer than two seeds, or one is given twice.
        OutputError: a folder cannot be used, or holds a finished run with other settings.
    """
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds are {list(seeds)}: a standard deviation needs two or more, each of them once.")
    finished = {seed: folder.load_report() for seed, folder in folders.items() if folder.is_finished}
    for seed, folder in folders.items():
        if seed in finished:
            _check_same_settings(finished[seed], folder, fingerprint)
        else:
            folder.check(resume)
    return summarize_seeds(seeds, [finished.get(seed) or train(seed) for seed in seeds])


def _check_same_settings(report: RunReport, folder: RunDirectory, fingerprint: Mapping[str, Any]) -> None:
    common = {name: value for name, value in fingerprint.items() if name not in _OF_A_SEED}
    changes = report_differences(report, common)
    if changes:
        lines = [f"{folder.path} has finished with other settings:", *(f"  - {change}" for change in changes)]
        raise OutputError("\n".join([*lines, "Choose another output_dir, or delete the folder."]))
