"""Runs side by side: their scores, whether a difference is larger than chance, and what else differs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from ..errors import ConfigError
from .direction import lower_is_better
from .dot_plots import ComparedScore, dot_plots
from .formatting import format_difference, format_interval, format_score
from .intervals import Interval
from .markdown import markdown_table
from .naming import facts, recipe_label
from .numbers import finite_or_none, is_finite_number
from .rows import flat_statistics
from .schema import ReportTable, RunReport, Score
from .terminal import rich_table

_PLACES = ("output_dir", "logging_dir", "run_name")  # settings that do not change a result
_COUNTS = ("examples", "questions", "documents", "sentences")  # of a split, with any tokenizer


@dataclass(frozen=True)
class Difference:
    """The main score of a run against that of the first run."""

    name: str
    """Of the run."""
    score: str
    """Key of the score."""
    value: float
    """Score of the run minus score of the first run."""
    interval: Interval | None
    """95% interval of the difference; None where one of the scores has no interval."""
    comparable: bool
    """Whether both were scored on the same data, with the same vocabulary."""

    @property
    def is_beyond(self) -> bool:
        """Whether the interval of the difference excludes 0."""
        return self.comparable and self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class ReportComparison:
    """Several runs of one recipe, compared with the first of them."""

    recipe: str
    names: list[str]
    """Of the runs, in their order."""
    verdict: list[str]
    """The comparison of the main scores in sentences."""
    differences: list[Difference]
    """Of each run but the first."""
    tables: list[ReportTable]
    """Scores, settings, data, parameters and time, a column a run; a table without rows is omitted."""
    scores: list[ComparedScore] = field(default_factory=list)
    """Each score that any of the runs has."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """Model, data and date of each run by its name."""

    def to_markdown(self) -> str:
        """Render the comparison as Markdown."""
        parts = [f"# {self._title}", " ".join(self.verdict)]
        for table in self.tables:
            parts += [f"## {table.title}", markdown_table(table.header, table.rows), *([table.note] * bool(table.note))]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Render the comparison as one self-contained page."""
        from .page import Section, block, render

        caption = (
            "Dots are the scores of the saved weights, bars their 95% intervals; the dotted line is the first run."
        )
        charts = [Section("Charts", [caption], dot_plots(self.names, self.scores))] if self.scores else []
        sections = [Section(table.title, tables=[block(table, title="")]) for table in self.tables]
        return render(title=self._title, facts=self.facts, summary=self.verdict, sections=[*charts, *sections])

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = [Text(" ".join(self.verdict))]
        for table in self.tables:
            parts += [Text(), Text(table.title, style="bold"), rich_table(table.header, table.rows)]
        return Panel(Group(*parts), title=self._title, expand=False)

    def __str__(self) -> str:
        stream = StringIO()
        Console(file=stream, width=100).print(self)
        return stream.getvalue()

    @property
    def _title(self) -> str:
        return f"{recipe_label(self.recipe)}: {' vs. '.join(self.names)}"


def compare_reports(*runs: RunReport | str | Path, names: Sequence[str] | None = None) -> ReportComparison:
    """Compare runs of one recipe with the first of them.

    Args:
        runs: reports, or folders of runs; two at least.
        names: of the runs; None for the names of their folders.

    Raises:
        ConfigError: there are fewer than two runs, runs of several recipes, or not as many names as runs.
        OutputError: a folder has no report.
    """
    if len(runs) < 2:
        raise ConfigError(f"compare_reports got {len(runs)} run(s): give two runs or more.")
    if names is not None and len(names) != len(runs):
        raise ConfigError(f"compare_reports got {len(runs)} runs and {len(names)} names: give a name for each run.")
    reports = [run if isinstance(run, RunReport) else RunReport.load(run) for run in runs]
    recipes = list(dict.fromkeys(report.recipe for report in reports))
    if len(recipes) > 1:
        raise ConfigError(f"The runs are of several recipes ({', '.join(recipes)}): give runs of one recipe.")
    names = list(names) if names is not None else _names(runs)
    score = next(
        (score for score in reports[0].glossary if all(_value(run, score) is not None for run in reports)), None
    )
    differences, verdict = [], ["No score is finite in all runs."]
    if score is not None:
        rest = list(zip(reports[1:], names[1:], strict=True))
        differences = [_difference(score, reports[0], report, name) for report, name in rest]
        verdict = [
            _sentence(score, names[0], reports[0], report, difference)
            for (report, _), difference in zip(rest, differences, strict=True)
        ]
    tables = [table for table in _tables(reports, names) if table.rows]
    compared = [_compared(score, reports) for score in reports[0].glossary]
    scores = [found for found in compared if any(value is not None for value in found.values)]
    about = [(name, _about(report)) for name, report in zip(names, reports, strict=True)]
    return ReportComparison(recipes[0], names, verdict, differences, tables, scores, about)


def difference_interval(first: float, first_interval: Interval, second: float, second_interval: Interval) -> Interval:
    """Return the 95% interval of second - first (Newcombe 1998, method 10, for any two intervals).

    >>> low, high = difference_interval(48 / 80, (0.4904, 0.7004), 56 / 70, (0.6920, 0.8777))
    >>> round(low, 3), round(high, 3)
    (0.053, 0.334)
    """
    value = second - first
    low = value - math.hypot(second - second_interval[0], first_interval[1] - first)
    high = value + math.hypot(second_interval[1] - second, first - first_interval[0])
    return low, high


def _names(runs: Sequence[RunReport | str | Path]) -> list[str]:
    """Return the names of the folders, or their paths where names repeat; reports get numbers."""
    paths = [f"run {number}" if isinstance(run, RunReport) else str(run) for number, run in enumerate(runs, start=1)]
    short = [path if isinstance(run, RunReport) else Path(run).name for path, run in zip(paths, runs, strict=True)]
    return short if len(set(short)) == len(short) else paths


def _value(report: RunReport, score: Score) -> float | None:
    return finite_or_none(report.result.get(score.key))


def _compared(score: Score, reports: Sequence[RunReport]) -> ComparedScore:
    values = [_value(report, score) for report in reports]
    return ComparedScore(score.label, score.format_spec, values, [run.intervals.get(score.key) for run in reports])


def _about(report: RunReport) -> str:
    known = dict(facts(report))
    return " · ".join(known[name] for name in ("model", "data", "finished") if name in known)


def _difference(score: Score, first: RunReport, second: RunReport, name: str) -> Difference:
    values = [_value(report, score) or 0.0 for report in (first, second)]
    intervals = [report.intervals.get(score.key) for report in (first, second)]
    interval = None
    if intervals[0] and intervals[1]:
        interval = difference_interval(values[0], intervals[0], values[1], intervals[1])
    return Difference(
        name,
        score.key,
        values[1] - values[0],
        interval,
        _evaluation_data(first, score) == _evaluation_data(second, score),
    )


def _evaluation_data(report: RunReport, score: Score) -> dict[str, object]:
    """Return what is equal for runs that were scored on the same data: numbers of examples, and the baselines."""
    splits = {split: values for split, values in report.data.items() if split != "train"}
    counts = {f"{split} {name}": values[name] for split, values in splits.items() for name in _COUNTS if name in values}
    baselines = {name: round(values[score.key], 6) for name, values in report.baselines.items() if score.key in values}
    return {**counts, **baselines}


def _sentence(score: Score, first: str, first_run: RunReport, run: RunReport, difference: Difference) -> str:
    values = [format_score(report.result[score.key], score.format_spec) for report in (first_run, run)]
    label = f"{score.label[:1].upper()}{score.label[1:]}"
    text = f"{label}: {difference.name} {values[1]}, {first} {values[0]}"
    if not difference.comparable:
        return f"{text}; not comparable, since the evaluation data or the vocabulary differ."
    if difference.value == 0:
        return f"{text}; no difference."
    if difference.interval is None:
        return f"{text}; without intervals, the difference cannot be distinguished from chance."
    lower = lower_is_better(first_run, score.key)
    better = difference.name if (difference.value < 0) == lower else first
    verdict = "whether greater or lower is better is not known" if lower is None else f"{better} is better"
    between = " to ".join(format_difference(end, score.format_spec) for end in difference.interval)
    text += f"; difference {format_difference(difference.value, score.format_spec)} (95% interval {between})"
    if difference.is_beyond:
        return f"{text}: significant, {verdict}."
    return f"{text}: not significant, it may be chance."


def _tables(reports: Sequence[RunReport], names: Sequence[str]) -> Iterator[ReportTable]:
    note = "95% intervals in parentheses."
    yield ReportTable("Scores", ["score", *names], list(_score_rows(reports)), note)
    yield ReportTable(
        "Settings that differ", ["setting", *names], _differing([_settings(report) for report in reports])
    )
    yield ReportTable("Data that differ", ["", *names], _differing([_data(report) for report in reports]))
    counts = [
        [kind, *(_text(dict(report.parameters).get(kind)) for report in reports)] for kind in ("total", "trainable")
    ]
    yield ReportTable("Parameters", ["", *names], counts)
    stages = dict.fromkeys(stage for report in reports for stage in report.timings)
    seconds = [[stage, *(format_score(report.timings.get(stage), ",.1f") for report in reports)] for stage in stages]
    yield ReportTable("Seconds", ["stage", *names], seconds)


def _score_rows(reports: Sequence[RunReport]) -> Iterator[list[str]]:
    for score in reports[0].glossary:
        if any(score.key in report.result for report in reports):
            yield [score.label, *(_score(report, score) for report in reports)]


def _score(report: RunReport, score: Score) -> str:
    value = format_score(report.result.get(score.key), score.format_spec)
    interval = format_interval(report.intervals.get(score.key), score.format_spec)
    return f"{value} ({interval})" if interval and is_finite_number(report.result.get(score.key)) else value


def _settings(report: RunReport) -> dict[str, object]:
    groups: dict[str, Mapping[str, object]] = {**report.settings, "version": report.versions}
    return {
        f"{group}: {name}": value
        for group, values in groups.items()
        for name, value in values.items()
        if name not in _PLACES
    }


def _data(report: RunReport) -> dict[str, object]:
    return {
        f"{split}: {name}": value for split, values in report.data.items() for name, value in flat_statistics(values)
    }


def _differing(columns: Sequence[Mapping[str, object]]) -> list[list[str]]:
    """Return a row for each name whose values are not the same in all columns."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name.replace("_", " "), *(_text(column.get(name)) for column in columns)] for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)
