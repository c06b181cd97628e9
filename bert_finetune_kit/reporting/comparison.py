"""Runs side by side: their scores, whether the difference is more than chance, and what was different."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from ..errors import ConfigError
from .intervals import Interval
from .markdown import table
from .report import ReportTable, RunReport, Score
from .terminal import rich_table

_NO_DIFFERENCE = ("output_dir", "logging_dir", "run_name")  # settings that say where, not what
_COUNTS = ("examples", "questions", "documents", "sentences")  # of a split, whatever the tokenizer


@dataclass(frozen=True)
class Difference:
    """How the main score of a run differs from that of the first run."""

    name: str
    """Of the run."""
    score: str
    """Key of the score."""
    value: float
    """Its score less that of the first run."""
    interval: Interval | None
    """95% interval of that; none where one of the scores has none."""
    comparable: bool
    """Whether both were scored on the same data, with the same vocabulary."""

    @property
    def is_beyond(self) -> bool:
        """Whether the difference is beyond the intervals of both scores."""
        return self.comparable and self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class ReportComparison:
    """What several runs of one recipe have in common, and what they have not."""

    recipe: str
    names: list[str]
    """Of the runs, in their order."""
    verdict: list[str]
    """What the main scores say, in sentences."""
    differences: list[Difference]
    """Of each run but the first."""
    tables: list[ReportTable]
    """Scores, settings, data, parameters and time, a column a run; a table without differences is left out."""

    def to_markdown(self) -> str:
        """Render the comparison as Markdown."""
        parts = [f"# {self._title}", " ".join(self.verdict)]
        for one in self.tables:
            parts += [f"## {one.title}", table(one.header, one.rows), *([one.note] if one.note else [])]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Render the comparison as one page that needs nothing else."""
        from .html import Section, block, render

        sections = [Section(one.title, tables=[block(one, title="")]) for one in self.tables]
        return render(title=self._title, summary=self.verdict, sections=sections)

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = [Text(" ".join(self.verdict))]
        for one in self.tables:
            parts += [Text(), Text(one.title, style="bold"), rich_table(one.header, one.rows)]
        return Panel(Group(*parts), title=self._title, expand=False)

    def __str__(self) -> str:
        stream = StringIO()
        Console(file=stream, width=100).print(self)
        return stream.getvalue()

    @property
    def _title(self) -> str:
        return f"{self.recipe}: {' against '.join(self.names)}"


def compare_reports(*runs: RunReport | str | Path, names: Sequence[str] | None = None) -> ReportComparison:
    """Hold runs of one recipe against the first of them.

    The difference of two scores gets an interval from those of both by the square-and-add method (Newcombe 1998), as
    if they had been scored on different examples. On the same examples it is rather too wide, so that what is beyond it
    is more than chance; what is within it may still be.

    Args:
        runs: two or more, as reports or as folders.
        names: what to call them; none means their folders.

    Raises:
        ConfigError: there are fewer than two, or of several recipes, or not as many names as runs.
        OutputError: a folder has no report.
    """
    if len(runs) < 2 or (names is not None and len(names) != len(runs)):
        raise ConfigError(f"{len(runs)} runs and {names} as names: give two runs or more, and a name for each or none.")
    reports = [run if isinstance(run, RunReport) else RunReport.load(run) for run in runs]
    recipes = list(dict.fromkeys(report.recipe for report in reports))
    if len(recipes) > 1:
        raise ConfigError(f"The runs are of several recipes ({', '.join(recipes)}): their scores cannot be compared.")
    called = list(names) if names is not None else _names(runs)
    main = next((score for score in reports[0].glossary if all(_finite(one, score.key) for one in reports)), None)
    found, verdict = [], ["There is no score that all of them have."]
    if main is not None:
        pairs = list(zip(reports[1:], called[1:], strict=True))
        found = [_difference(main, reports[0], other, name) for other, name in pairs]
        verdict = [_sentence(main, called[0], reports[0], pair[0], one) for pair, one in zip(pairs, found, strict=True)]
    note = "With 95% intervals, where there are any."
    tables = (
        ReportTable("Scores", ["score", *called], list(_score_rows(reports)), note),
        ReportTable("Settings that differ", ["setting", *called], _differing([_settings(one) for one in reports])),
        ReportTable("Data that differ", ["", *called], _differing([_flat(one.data) for one in reports])),
        ReportTable("Parameters", ["", *called], [_counts(reports, kind) for kind in ("total", "trainable")]),
        ReportTable("Seconds", ["stage", *called], _timings(reports)),
    )
    return ReportComparison(recipes[0], called, verdict, found, [one for one in tables if one.rows])


def difference_interval(first: float, of_first: Interval, second: float, of_second: Interval) -> Interval:
    """Return the 95% interval of second - first (Newcombe 1998, method 10, for any two intervals).

    >>> low, high = difference_interval(48 / 80, (0.4904, 0.7004), 56 / 70, (0.6920, 0.8777))
    >>> round(low, 3), round(high, 3)
    (0.053, 0.334)
    """
    value = second - first
    low = value - math.hypot(second - of_second[0], of_first[1] - first)
    high = value + math.hypot(of_second[1] - second, first - of_first[0])
    return low, high


def _names(runs: Sequence[Any]) -> list[str]:
    """Return the folders of the runs, the last part of them where that tells them apart; reports get numbers."""
    named = [f"run {number}" if isinstance(run, RunReport) else str(run) for number, run in enumerate(runs, start=1)]
    short = [name if isinstance(run, RunReport) else Path(run).name for name, run in zip(named, runs, strict=True)]
    return short if len(set(short)) == len(short) else named


def _finite(report: RunReport, key: str) -> bool:
    value = report.result.get(key)
    return isinstance(value, int | float) and math.isfinite(value)


def _difference(main: Score, first: RunReport, other: RunReport, name: str) -> Difference:
    key = main.key
    ours, theirs = first.intervals.get(key), other.intervals.get(key)
    interval = None
    if ours and theirs:
        interval = difference_interval(first.result[key], tuple(ours), other.result[key], tuple(theirs))
    return Difference(name, key, other.result[key] - first.result[key], interval, _same_ground(first, other, key))


def _same_ground(first: RunReport, other: RunReport, key: str) -> bool:
    """Whether scores can be held against each other: as many examples, and guessing scores the same."""

    def ground(report: RunReport) -> dict[str, Any]:
        splits = {split: one for split, one in report.data.items() if split != "train"}
        counts = {f"{split} {name}": one[name] for split, one in splits.items() for name in _COUNTS if name in one}
        return counts | {name: round(one[key], 6) for name, one in report.baselines.items() if key in one}

    return ground(first) == ground(other)


def _sentence(main: Score, first: str, ours: RunReport, theirs: RunReport, found: Difference) -> str:
    value, other = (format(one.result[main.key], main.form) for one in (ours, theirs))
    said = f"The {main.label} of {found.name} is {other}, that of {first} {value}"
    if not found.comparable:
        return f"{said}; they were scored on other data or with another vocabulary, so the two cannot be compared."
    if found.value == 0:
        return f"{said}: the same."
    if found.interval is None:
        return f"{said}; without intervals nobody can tell whether that is more than chance."
    better = found.name if (found.value < 0) == main.lower_is_better else first
    between = " to ".join(_points(end, main.form) for end in found.interval)
    change = f"a difference of {_points(found.value, main.form)} (95% interval {between})"
    if found.is_beyond:
        return f"{said}: {change}, which is beyond the intervals: {better} is better."
    return f"{said}: {change}, which is within the intervals: it may be chance."


def _points(value: float, form: str) -> str:
    """Return a difference with its sign; that of percentages in points."""
    return f"{100 * value:+.1f} points" if form.endswith("%") else f"{value:+{form}}"


def _score_rows(reports: Sequence[RunReport]) -> Iterator[list[str]]:
    for score in reports[0].glossary:
        if any(score.key in report.result for report in reports):
            yield [score.label, *(_score(report, score) for report in reports)]


def _score(report: RunReport, score: Score) -> str:
    value, interval = report.result.get(score.key), report.intervals.get(score.key)
    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    between = f" ({interval[0]:{score.form}} to {interval[1]:{score.form}})" if interval else ""
    return f"{value:{score.form}}{between}"


def _settings(report: RunReport) -> dict[str, Any]:
    groups = report.settings | {"version": report.versions}
    return {name: value for name, value in _flat(groups).items() if name.split(": ")[-1] not in _NO_DIFFERENCE}


def _flat(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{group}: {name}": value for group, values in groups.items() for name, value in values.items()}


def _differing(columns: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return a row for each name whose values are not the same in all columns."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name.replace("_", " "), *(_text(column.get(name)) for column in columns)] for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)


def _counts(reports: Sequence[RunReport], kind: str) -> list[str]:
    return [kind, *(_text(report.parameters.get(kind)) for report in reports)]


def _timings(reports: Sequence[RunReport]) -> list[list[str]]:
    stages = dict.fromkeys(stage for report in reports for stage in report.timings)
    return [[stage, *(_seconds(report.timings.get(stage)) for report in reports)] for stage in stages]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
