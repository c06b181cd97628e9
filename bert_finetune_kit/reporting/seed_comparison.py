"""Settings side by side, each trained with several seeds: whether one is better, and how many seeds that takes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ConfigError, OutputError
from .compared_labels import LabelNames, label_notes, names_by_run, with_label_names
from .compared_run import RunLike, load_report, open_run
from .comparison import (
    ReportComparison,
    about_run,
    checked_names,
    same_runs,
    unused_predictions,
)
from .comparison_notes import baseline_notes, check_recipes, main_score, main_score_notes
from .comparison_tables import scores_by_kind
from .difference import Difference, adjusted, difference_clause
from .direction import lower_is_better
from .dot_plots import ComparedScore
from .formatting import format_difference, format_p_value
from .naming import capitalized
from .run_names import run_names
from .schema import REPORT_FILE, ReportTable, Score, seed_folders
from .score_kinds import kind_conflict
from .seed_difference import SeedScores, Setting, seed_difference
from .statistics.seeds import SeedDifference

_CAPTION = (
    "Dots are the means over the seeds, bars one standard deviation of the seeds; the dotted line is the first setting."
)
SeedRuns = str | Path | Sequence[RunLike]
"""The folder of `train_seeds`, or its runs."""


def compare_seeds(
    *settings: SeedRuns, names: Sequence[str] | None = None, label_names: LabelNames | None = None
) -> ReportComparison:
    """Compare settings that were trained with several seeds each with the first of them.

    A difference of means has two sources of chance, the seeds and the evaluation examples. Where the runs have
    `predictions.jsonl` of the same examples, both are in its interval; otherwise it is of these examples alone. The
    verdict says how many seeds of each setting show a difference of this size in four of five cases.

    Args:
        settings: of each the folder that `train_seeds` has written, or its runs as reports or folders; two at least.
        names: of the settings; None for the names of their folders.
        label_names: of another setting, as for `compare_reports`.

    Raises:
        ConfigError: there are fewer than two settings, fewer than two seeds of one, runs of several recipes, or
            `label_names` that do not make the labels of a setting those of the first one.
        OutputError: a folder has no runs.
    """
    if len(settings) < 2:
        raise ConfigError(f"compare_seeds got {len(settings)} setting(s): give two or more, each with its seeds.")
    names = checked_names(settings, names, "compare_seeds")
    opened = [_open(setting, name) for setting, name in zip(settings, names, strict=True)]
    check_recipes([(setting.name, setting.reports) for setting in opened])
    chosen = names_by_run(label_names, [(setting.name, setting.runs[0].report) for setting in opened])
    opened = [
        replace(setting, runs=[with_label_names(run, labels, opened[0].runs[0]) for run in setting.runs])
        for setting, labels in zip(opened, chosen, strict=True)
    ]
    seeds_of = [(setting.name, setting.reports) for setting in opened]
    reports = [report for setting in opened for report in setting.reports]
    score = main_score(reports)
    first, others = opened[0], opened[1:]
    differences, verdict = [], ["No score is finite in all runs."]
    if score is None:
        verdict += main_score_notes(None, False, seeds_of) + baseline_notes(None, False, seeds_of)
    else:
        found = [seed_difference(score, first, setting) for setting in others]
        differences = adjusted([difference for difference, _, _ in found])
        verdict = [
            _sentence(score, first, setting, difference, seeds, sides)
            for setting, difference, (_, seeds, sides) in zip(others, differences, found, strict=True)
        ]
        runs = [run for setting in opened for run in setting.runs]
        comparable = all(difference.comparable for difference in differences)
        verdict += main_score_notes(score, comparable, seeds_of)
        verdict += label_notes([replace(setting.runs[0], name=setting.name) for setting in opened], chosen)
        verdict += baseline_notes(score, comparable, seeds_of)
        verdict += same_runs(runs)
        verdict += unused_predictions(runs)
    tables = [_score_table(opened), _difference_table(first, others)]
    about = [(setting.name, f"{len(setting.runs)} seeds · {about_run(setting.runs[0].report)}") for setting in opened]
    scores = [_compared(declared, opened) for declared in _scores(opened)]
    shown = [table for table in tables if table.rows]
    return ReportComparison(reports[0].recipe, names, verdict, differences, shown, scores, about, caption=_CAPTION)


def is_seeds_folder(folder: str | Path) -> bool:
    """Return whether a folder holds the runs of several seeds, and no run of its own."""
    return not (Path(folder) / REPORT_FILE).exists() and len(seed_folders(folder)) > 0


def _open(setting: SeedRuns, name: str) -> Setting:
    runs: Sequence[RunLike] = seed_folders(setting) if isinstance(setting, str | Path) else setting
    if not isinstance(runs, Sequence):
        raise ConfigError(
            f"{name} is of type {type(setting).__name__}: give the folder of a run with --seeds, or a list of its runs."
        )
    if isinstance(setting, str | Path) and not runs:
        raise OutputError(f"{setting} has no finished runs of seeds: give the folder of a run with --seeds.")
    if len(runs) < 2:
        raise ConfigError(f"{name} has {len(runs)} seed(s): how seeds differ is known of two or more.")
    reports = [load_report(run) for run in runs]
    opened = [
        open_run(run, f"{name}, {label}", report)
        for run, label, report in zip(runs, run_names(runs), reports, strict=True)
    ]
    return Setting(name, opened)


def _sentence(
    score: Score, first: Setting, second: Setting, difference: Difference, seeds: SeedDifference, scores: SeedScores
) -> str:
    sides = [_mean_and_spread(score, values) for values in (scores.second, scores.first)]
    text = f"{capitalized(score.label)}{scores.part}: {second.name} {sides[0]}, {first.name} {sides[1]}"
    if not difference.comparable:
        return f"{text}; not comparable, since {difference.reason}."
    if difference.interval is None:
        why = "all seeds score the same, and nothing says how far chance goes"
        return f"{text}; no difference: not significant; {why}."
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
    if seeds.is_without_spread:  # any number of seeds would seem enough
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
        if all(setting.has(score.key) for setting in settings)
        and not any(kind_conflict((runs[0], run), ("", ""), score.key) for run in runs)
    ]


def _compared(score: Score, settings: Sequence[Setting]) -> ComparedScore:
    columns = [setting.values(score.key) for setting in settings]
    means = [float(np.mean(column)) for column in columns]
    spreads = [float(np.std(column, ddof=1)) for column in columns]
    bars = [(mean - spread, mean + spread) for mean, spread in zip(means, spreads, strict=True)]
    return ComparedScore(score.label, score.format_spec, means, bars)


def _score_table(settings: Sequence[Setting]) -> ReportTable:
    """Return all scores, also those that some settings do not have, or mean another thing by."""
    rows = []
    for score, label, own in scores_by_kind([setting.runs[0].report for setting in settings]):
        known = [has and setting.has(score.key) for has, setting in zip(own, settings, strict=True)]
        if any(known):
            cells = (
                _mean_and_spread(score, setting.values(score.key)) if has else ""
                for has, setting in zip(known, settings, strict=True)
            )
            rows.append([label, *cells])
    counts = ", ".join(f"{setting.name} {len(setting.runs)}" for setting in settings)
    return ReportTable(
        "Scores", ["score", *(setting.name for setting in settings)], rows,
        f"Mean ± standard deviation over the seeds: {counts}.",
    )  # fmt: skip


def _difference_table(first: Setting, others: Sequence[Setting]) -> ReportTable:
    rows = []
    for score in _scores([first, *others]):
        found = [(setting, *seed_difference(score, first, setting)) for setting in others]
        differences = adjusted([difference for _, difference, _, _ in found])
        for (setting, _, seeds, _), difference in zip(found, differences, strict=True):
            errors = (None, None) if seeds.is_without_spread else (seeds.seed_error, seeds.example_error)
            rows.append(
                [f"{score.label}, {setting.name}", format_difference(difference.value, score.format_spec),
                 " to ".join(format_difference(end, score.format_spec) for end in difference.interval or ()),
                 "" if difference.p_value is None else format_p_value(difference.p_value),
                 *("" if error is None else format_difference(error, score.format_spec).lstrip("+")
                   for error in errors),
                 "" if seeds.seeds_needed is None or seeds.is_without_spread else str(seeds.seeds_needed)]
            )  # fmt: skip
    note = (
        f"Against {first.name}. *Seeds* and *examples*: the standard error of the difference from either source. "
        "*Seeds needed*: of each setting, to find a difference of this size in four of five cases; empty where no "
        "number is enough. Empty, too, is what cannot be told, since neither seeds nor examples differ."
    )
    header = ["score", "difference", "95% interval", "p", "seeds", "examples", "seeds needed"]
    return ReportTable("Differences", header, rows, note)
