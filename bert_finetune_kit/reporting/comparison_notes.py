"""What a comparison says beside differences: main scores that are not compared, runs no better than a baseline."""

from collections.abc import Sequence

from ..errors import ConfigError
from .fold_notes import unbeaten
from .formatting import format_interval, format_score
from .numbers import finite_or_none
from .schema import RunReport, Score
from .tables import baseline_label

NamedReports = Sequence[tuple[str, Sequence[RunReport]]]
"""Name of each run and its report, of a setting those of its seeds."""


def main_score(reports: Sequence[RunReport]) -> Score | None:
    """Return the first score of the first report that is finite in all; None where there is none."""
    for score in reports[0].glossary:
        if all(finite_or_none(report.result.get(score.key)) is not None for report in reports):
            return score
    return None


def own_score(reports: Sequence[RunReport]) -> str:
    """Return name and value of the main score of a run, or the mean of that of its seeds."""
    score = main_score(reports)
    if score is None:
        return "no finite score"
    values = [float(report.result[score.key]) for report in reports]
    mean = f", mean of {len(reports)} seeds" if len(reports) > 1 else ""
    return f"{score.label} {format_score(sum(values) / len(values), score.format_spec)}{mean}"


def check_recipes(runs: NamedReports) -> None:
    """Check that runs are of one recipe.

    Raises:
        ConfigError: they are of several; the message has the main score of each.
    """
    if len({report.recipe for _, reports in runs for report in reports}) > 1:
        recipes = [" and ".join(dict.fromkeys(report.recipe for report in reports)) for _, reports in runs]
        own = "; ".join(
            f"{name} is of {recipe} ({own_score(reports)})"
            for (name, reports), recipe in zip(runs, recipes, strict=True)
        )
        raise ConfigError(
            f"The runs are of several recipes, whose scores measure different things: {own}. Give runs of one recipe."
        )


def main_score_notes(score: Score | None, comparable: bool, runs: NamedReports) -> list[str]:
    """Return the main score of each run, where they are not the one that is compared and cannot be.

    Args:
        score: that is compared; None where no score is finite in all runs.
        comparable: whether it can be compared in all runs.
        runs: names and reports.
    """
    if not _measure_different_things(score, comparable, runs):
        return []
    shown = "; ".join(f"{name} {own_score(reports)}" for name, reports in runs)
    return [f"The main scores measure different things, and are not compared: {shown}."]


def baseline_notes(score: Score | None, comparable: bool, runs: NamedReports) -> list[str]:
    """Return which runs are not shown to be better than a baseline, by their intervals; of a setting, in all its seeds.

    Runs are judged by the score that is compared; where their main scores measure different things, each by its own.

    Args:
        score: that is compared; None where no score is finite in all runs.
        comparable: whether it can be compared in all runs.
        runs: names and reports.
    """
    is_own = _measure_different_things(score, comparable, runs)
    judged = [(name, reports, main_score(reports) if is_own else score) for name, reports in runs]
    behind = [
        f"{name}{f' {by.label}' if is_own else ''} {text}"
        for name, reports, by in judged
        if by is not None and (text := _behind(by, reports))
    ]
    if not behind:
        return []
    subject = "not"
    if len(behind) == len(runs):
        subject = "neither is" if len(runs) == 2 else "none is"
    by_what = "its own main score" if score is None or is_own else score.label
    return [f"By {by_what}, {subject} shown to be better than the baseline: {'; '.join(behind)}."]


def _measure_different_things(score: Score | None, comparable: bool, runs: NamedReports) -> bool:
    """Return whether the main scores of runs are not the one that is compared, and that one cannot be."""
    if score is not None and comparable:
        return False
    own = {None if main is None else main.key for main in (main_score(reports) for _, reports in runs)}
    return not own <= {None if score is None else score.key}


def _behind(score: Score, reports: Sequence[RunReport]) -> str:
    """Return score, interval and baseline of a run that is not shown to be better; empty of one that is."""
    texts = []
    for report in reports:
        value, interval = finite_or_none(report.result.get(score.key)), report.intervals.get(score.key)
        name, baseline = next(unbeaten(score, interval, report.baselines), ("", 0.0))
        if value is None or not name:
            return ""
        ends = format_interval(interval, score.format_spec)
        against = f"{baseline_label(name)} {baseline:{score.format_spec}}"
        texts.append(f"{value:{score.format_spec}} (95% interval {ends}; {against})")
    return texts[0] if len(texts) == 1 else f"with any of its {len(texts)} seeds, such as {texts[0]}"
