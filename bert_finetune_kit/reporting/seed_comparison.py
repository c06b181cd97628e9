"""Settings side by side, each trained with several seeds: whether one is better, and how many seeds that takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ConfigError, OutputError
from .compared_run import ComparedRun, RunLike, load_report, open_run, other_data, other_examples
from .comparison import (
    ReportComparison,
    about_run,
    check_recipes,
    checked_names,
    main_score,
    same_runs,
    unused_predictions,
)
from .difference import Difference, adjusted, difference_clause, evaluation_data
from .direction import lower_is_better
from .dot_plots import ComparedScore
from .formatting import format_difference, format_p_value
from .naming import capitalized
from .numbers import finite_or_none
from .paired_runs import by_split, match_rows, statistics_of
from .schema import REPORT_FILE, ReportTable, Score
from .score_kinds import kind_conflict
from .statistics.paired import holm
from .statistics.resampling import Estimate, Statistic, estimate
from .statistics.seeds import SeedDifference, compare_means

_CAPTION = (
    "Dots are the means over the seeds, bars one standard deviation of the seeds; the dotted line is the first setting."
)
SeedRuns = str | Path | Sequence[RunLike]
"""The folder of `train_seeds`, or its runs."""


@dataclass(frozen=True)
class Setting:
    """The runs of one setting, which differ in their seed."""

    name: str
    runs: list[ComparedRun]

    def values(self, key: str) -> list[float]:
        """Return a score of each run."""
        return [float(run.report.result[key]) for run in self.runs]


def compare_seeds(*settings: SeedRuns, names: Sequence[str] | None = None) -> ReportComparison:
    """Compare settings that were trained with several seeds each with the first of them.

    A difference of means has two sources of chance, the seeds and the evaluation examples. Where the runs have
    `predictions.jsonl` of the same examples, both are in its interval; otherwise it is of these examples alone. The
    verdict says how many seeds of each setting show a difference of this size in four of five cases.

    Args:
        settings: of each the folder that `train_seeds` has written, or its runs as reports or folders; two at least.
        names: of the settings; None for the names of their folders.

    Raises:
        ConfigError: there are fewer than two settings, fewer than two seeds of one, or runs of several recipes.
        OutputError: a folder has no runs.
    """
    if len(settings) < 2:
        raise ConfigError(f"compare_seeds got {len(settings)} setting(s): give two or more, each with its seeds.")
    names = checked_names(settings, names, "compare_seeds")
    opened = [_open(setting, name) for setting, name in zip(settings, names, strict=True)]
    reports = [run.report for setting in opened for run in setting.runs]
    check_recipes(reports)
    score = main_score(reports)
    first, others = opened[0], opened[1:]
    differences, verdict = [], ["No score is finite in all runs."]
    if score is not None:
        found = [_compare(score, first, setting) for setting in others]
        differences = adjusted([difference for difference, _, _ in found])
        verdict = [
            _sentence(score, first, setting, difference, seeds, sides)
            for setting, difference, (_, seeds, sides) in zip(others, differences, found, strict=True)
        ]
        runs = [run for setting in opened for run in setting.runs]
        verdict += same_runs(runs)
        verdict += unused_predictions(runs)
    tables = [_score_table(opened), _difference_table(first, others)]
    about = [(setting.name, f"{len(setting.runs)} seeds · {about_run(setting.runs[0].report)}") for setting in opened]
    scores = [_compared(declared, opened) for declared in _scores(opened)]
    shown = [table for table in tables if table.rows]
    return ReportComparison(reports[0].recipe, names, verdict, differences, shown, scores, about, caption=_CAPTION)


def is_seeds_folder(folder: str | Path) -> bool:
    """Return whether a folder holds the runs of several seeds, and no run of its own."""
    return not (Path(folder) / REPORT_FILE).exists() and len(_seed_folders(folder)) > 0


def _seed_folders(folder: str | Path) -> list[Path]:
    found = [path.parent for path in Path(folder).glob(f"seed-*/{REPORT_FILE}")]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def _open(setting: SeedRuns, name: str) -> Setting:
    runs: Sequence[RunLike] = _seed_folders(setting) if isinstance(setting, str | Path) else setting
    if not isinstance(runs, Sequence):
        raise ConfigError(
            f"{name} is of type {type(setting).__name__}: give the folder of a run with --seeds, or a list of its runs."
        )
    if isinstance(setting, str | Path) and not runs:
        raise OutputError(f"{setting} has no finished runs of seeds: give the folder of a run with --seeds.")
    if len(runs) < 2:
        raise ConfigError(f"{name} has {len(runs)} seed(s): how seeds differ is known of two or more.")
    reports = [load_report(run) for run in runs]
    labels = [run.name if isinstance(run, Path) else f"run {number}" for number, run in enumerate(runs, start=1)]
    opened = [
        open_run(run, f"{name}, {label}", report) for run, label, report in zip(runs, labels, reports, strict=True)
    ]
    return Setting(name, opened)


@dataclass(frozen=True)
class SeedScores:
    """A score of all runs of two settings."""

    first: list[float]
    """Of each run of the first setting."""
    second: list[float]
    error: Estimate | None = None
    """How far the difference of the means depends on the examples; None where not all runs have the same ones."""
    part: str = ""
    """Clause on how many examples all runs have scored, where some have scored further ones."""


def _compare(score: Score, first: Setting, second: Setting) -> tuple[Difference, SeedDifference, SeedScores]:
    """Return the difference of the means of a score that is finite in all runs, and of which values."""
    sides = first.runs[0], second.runs[0]
    reason = kind_conflict((sides[0].report, sides[1].report), (first.name, second.name), score.key)
    scores = None if reason else shared_scores(score.key, first, second)
    scores = scores or SeedScores(first.values(score.key), second.values(score.key))
    error = scores.error
    seeds = compare_means(
        scores.first, scores.second,
        *((error.error, error.freedom) if error is not None and np.isfinite(error.error) else ()),
    )  # fmt: skip
    found = seeds.difference
    if not reason and seeds.example_error is None:
        is_other = evaluation_data(sides[0].report, score) != evaluation_data(sides[1].report, score)
        reason = other_examples(*sides) or other_data(sides[0].report.recipe) * is_other
        if not reason and found.value and not seeds.seed_error:
            reason = (
                "all seeds of a setting score the same, and not all runs have saved predictions of the same examples: "
                "nothing says how far chance goes"
            )
    difference = Difference(
        second.name, score.key, found.value, None if reason else (found.low, found.high), not reason,
        None if reason else found.p_value, found.method, found.smallest or None, reason=reason,
    )  # fmt: skip
    return difference, seeds, scores


def shared_scores(key: str, first: Setting, second: Setting) -> SeedScores | None:
    """Return a score of all runs on the examples that all have scored; None where these are too few or not known.

    Args:
        key: of a score.
        first: setting.
        second: setting of the same recipe.
    """
    runs = [*first.runs, *second.runs]
    if any(run.missing or key in run.unlike for run in runs):
        return None
    splits = [by_split(run.rows) for run in runs]
    recipe, count = first.runs[0].report.recipe, len(first.runs)
    for split in splits[0]:
        prefix = f"{split}_" if split else ""
        if not key.startswith(prefix) or not all(split in rows for rows in splits):
            continue
        matched = match_rows(recipe, [rows[split] for rows in splits])
        if matched is None:
            return None
        sides = [scores.statistics.get(key.removeprefix(prefix)) for scores in statistics_of(recipe, matched)]
        known: list[Statistic] = [side for side in sides if side is not None]
        if len(known) < len(runs):
            continue
        error = estimate({key: _mean_difference(known[:count], known[count:])}, matched.units[0])[key]
        if max(matched.scored) == matched.examples:
            return SeedScores(first.values(key), second.values(key), error)
        everything = np.ones((1, matched.units[0].count))
        values = [float(statistic(everything)[0]) for statistic in known]
        part = f" on the {matched.examples:,} examples of all runs (one has scored {max(matched.scored):,})"
        return SeedScores(values[:count], values[count:], error, part)
    return None


def _mean_difference(first: Sequence[Statistic], second: Sequence[Statistic]) -> Statistic:
    def statistic(weights: np.ndarray) -> np.ndarray:
        means = [np.mean([of_seed(weights) for of_seed in side], axis=0) for side in (first, second)]
        return np.asarray(means[1] - means[0])

    return statistic


def _sentence(
    score: Score, first: Setting, second: Setting, difference: Difference, seeds: SeedDifference, scores: SeedScores
) -> str:
    sides = [_mean_and_spread(score, values) for values in (scores.second, scores.first)]
    text = f"{capitalized(score.label)}{scores.part}: {second.name} {sides[0]}, {first.name} {sides[1]}"
    if not difference.comparable:
        return f"{text}; not comparable, since {difference.reason}."
    text += difference_clause(difference, score, lower_is_better(first.runs[0].report, score.key), first.name)
    if seeds.example_error is None:
        text += (
            " This is of these evaluation examples alone, since not all runs have saved predictions of the same ones."
        )
    return f"{text} {_needed(score, difference, seeds)}".rstrip()


def _needed(score: Score, difference: Difference, seeds: SeedDifference) -> str:
    size = format_difference(abs(difference.value), score.format_spec).lstrip("+")
    if not difference.value:
        return ""
    if seeds.seeds_needed is None:
        return f"No number of seeds shows a difference of {size}: evaluate on more examples."
    return (
        f"A true difference of {size} is found in four of five cases with {seeds.seeds_needed} seeds of each setting "
        "on such examples."
    )


def _mean_and_spread(score: Score, values: Sequence[float]) -> str:
    mean, spread = np.mean(values), np.std(values, ddof=1)
    return f"{mean:{score.format_spec}} ± {spread:{score.format_spec}}"


def _scores(settings: Sequence[Setting]) -> list[Score]:
    """Return the scores that are finite in all runs and mean the same in all settings."""
    runs = [run.report for setting in settings for run in setting.runs]
    return [
        score
        for score in runs[0].glossary
        if all(finite_or_none(run.result.get(score.key)) is not None for run in runs)
        and not any(kind_conflict((runs[0], run), ("", ""), score.key) for run in runs)
    ]


def _compared(score: Score, settings: Sequence[Setting]) -> ComparedScore:
    columns = [setting.values(score.key) for setting in settings]
    means = [float(np.mean(column)) for column in columns]
    spreads = [float(np.std(column, ddof=1)) for column in columns]
    bars = [(mean - spread, mean + spread) for mean, spread in zip(means, spreads, strict=True)]
    return ComparedScore(score.label, score.format_spec, means, bars)


def _score_table(settings: Sequence[Setting]) -> ReportTable:
    rows = [
        [score.label, *(_mean_and_spread(score, setting.values(score.key)) for setting in settings)]
        for score in _scores(settings)
    ]
    counts = ", ".join(f"{setting.name} {len(setting.runs)}" for setting in settings)
    return ReportTable(
        "Scores", ["score", *(setting.name for setting in settings)], rows,
        f"Mean ± standard deviation over the seeds: {counts}.",
    )  # fmt: skip


def _difference_table(first: Setting, others: Sequence[Setting]) -> ReportTable:
    rows = []
    for score in _scores([first, *others]):
        found = [(setting, *_compare(score, first, setting)) for setting in others]
        p_values = holm([difference.p_value or 0.0 for _, difference, _, _ in found])
        for (setting, difference, seeds, _), p_value in zip(found, p_values, strict=True):
            interval = difference.interval or (difference.value, difference.value)
            rows.append(
                [f"{score.label}, {setting.name}", format_difference(difference.value, score.format_spec),
                 " to ".join(format_difference(end, score.format_spec) for end in interval), format_p_value(p_value),
                 *("" if error is None else format_difference(error, score.format_spec).lstrip("+")
                   for error in (seeds.seed_error, seeds.example_error)),
                 "" if seeds.seeds_needed is None else str(seeds.seeds_needed)]
            )  # fmt: skip
    note = (
        f"Against {first.name}. *Seeds* and *examples*: the standard error of the difference from either source. "
        "*Seeds needed*: of each setting, to find a difference of this size in four of five cases; empty where no "
        "number is enough."
    )
    header = ["score", "difference", "95% interval", "p", "seeds", "examples", "seeds needed"]
    return ReportTable("Differences", header, rows, note)
