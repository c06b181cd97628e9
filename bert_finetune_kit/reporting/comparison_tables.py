"""The tables of a comparison: scores, differences, examples, settings, data, parameters and time, a column a run."""

from collections.abc import Iterator, Mapping, Sequence

from .dot_plots import ComparedScore
from .formatting import excerpt, format_difference, format_interval, format_p_value, format_score
from .numbers import finite_or_none, is_finite_number
from .paired_runs import PairedScores
from .rows import flat_statistics
from .schema import ReportTable, RunReport, Score
from .score_kinds import score_kind
from .statistics.paired import holm

_PLACES = ("output_dir", "logging_dir", "run_name")  # settings that do not change a result
_EXAMPLES = 10  # of those on which two runs differ
_LENGTH = 160  # characters of an answer


def compared_scores(reports: Sequence[RunReport]) -> list[ComparedScore]:
    """Return each score that any run has; where runs mean different things by it, once for each."""
    scores = []
    for score, label, own in scores_by_kind(reports):
        values = [
            finite_or_none(report.result.get(score.key)) if has else None
            for report, has in zip(reports, own, strict=True)
        ]
        if any(value is not None for value in values):
            intervals = [report.intervals.get(score.key) for report in reports]
            scores.append(ComparedScore(label, score.format_spec, values, intervals))
    return scores


def scores_by_kind(reports: Sequence[RunReport]) -> Iterator[tuple[Score, str, list[bool]]]:
    """Yield each score that a run has, its label, and for each run whether it has it.

    Where runs mean different things by a score, it is yielded once for each, and the label has what differs.
    """
    declared = {score.key: score for report in reversed(reports) for score in report.glossary}
    for key in dict.fromkeys(score.key for report in reports for score in report.glossary):
        score, having = declared[key], [key in report.result for report in reports]
        kinds = [score_kind(report, key) for report in reports]
        held = [kind for kind, has in zip(kinds, having, strict=True) if has]
        distinct = [kind for number, kind in enumerate(held) if kind not in held[:number]]
        for kind in distinct:
            differing = [kind[name] for name in kind if any(other.get(name) != kind[name] for other in distinct)]
            label = f"{score.label} ({'; '.join(differing)})" if differing else score.label
            yield score, label, [has and own == kind for has, own in zip(having, kinds, strict=True)]


def comparison_tables(
    reports: Sequence[RunReport], names: Sequence[str], paired: Mapping[str, PairedScores]
) -> list[ReportTable]:
    """Return the tables that have rows.

    Args:
        reports: of the runs.
        names: of the runs.
        paired: differences to the first run by the name of the other, where both have scored the same examples.
    """
    tables = [
        ReportTable("Scores", ["score", *names], list(_score_rows(reports)), "95% intervals in parentheses."),
        *_difference_tables(reports[0], names, paired),
        ReportTable("Settings that differ", ["setting", *names], _differing([_settings(run) for run in reports])),
        ReportTable("Data that differ", ["", *names], _differing([_data(report) for report in reports])),
        ReportTable("Parameters", ["", *names], _parameters(reports)),
        ReportTable("Seconds", ["stage", *names], _seconds(reports)),
    ]
    return [table for table in tables if table.rows]


def _score_rows(reports: Sequence[RunReport]) -> Iterator[list[str]]:
    """Yield a row for each score, also where it is undefined."""
    for score, label, own in scores_by_kind(reports):
        yield [label, *(_score(report, score) if has else "" for report, has in zip(reports, own, strict=True))]


def _score(report: RunReport, score: Score) -> str:
    value = format_score(report.result.get(score.key), score.format_spec)
    interval = format_interval(report.intervals.get(score.key), score.format_spec)
    return f"{value} ({interval})" if interval and is_finite_number(report.result.get(score.key)) else value


def _difference_tables(
    first: RunReport, names: Sequence[str], paired: Mapping[str, PairedScores]
) -> Iterator[ReportTable]:
    """Yield the differences of all scores, and the examples on which runs differ most."""
    rows = []
    for score in first.glossary:
        found = {name: runs.differences[score.key] for name, runs in paired.items() if score.key in runs.differences}
        found = {name: item for name, item in found.items() if is_finite_number(item.low)}
        adjusted = holm([item.p_value for item in found.values()])
        for (name, item), p_value in zip(found.items(), adjusted, strict=True):
            ends = " to ".join(format_difference(end, score.format_spec) for end in (item.low, item.high))
            rows.append(
                [f"{score.label}, {name}", _change(score, paired[name].values[score.key]),
                 format_difference(item.value, score.format_spec), ends, format_p_value(p_value),
                 format_difference(item.smallest, score.format_spec).lstrip("+") if item.smallest else "", item.method]
            )  # fmt: skip
    note = (
        f"Against {names[0]}, whose score is the first, on the examples that both have scored"
        f"{_counts(names[0], paired)}. *Could be shown*: the smallest difference that a test on these examples finds "
        "in four of five cases."
    )
    if len(paired) > 1:
        note += f" The p values are adjusted for {len(paired)} comparisons (Holm), not for several scores."
    header = ["score", "scores", "difference", "95% interval", "p", "could be shown", "test"]
    yield ReportTable("Differences", header, rows, note)
    for name, runs in paired.items():
        if runs.changed:
            yield _examples_table(names[0], name, runs)


def _change(score: Score, values: tuple[float, float]) -> str:
    return " → ".join(format_score(value, score.format_spec) for value in values)


def _counts(first: str, paired: Mapping[str, PairedScores]) -> str:
    """Return in a clause how many examples these are, where a run has scored further ones."""
    parts = [
        f"{runs.examples:,} of {runs.scored[0]:,} of {first} and {runs.scored[1]:,} of {name}"
        for name, runs in paired.items()
        if any(count > runs.examples for count in runs.scored)
    ]
    return f": {'; '.join(parts)}" if parts else ""


def _examples_table(first: str, second: str, runs: PairedScores) -> ReportTable:
    rows = [
        [_example_name(one), _cell(one["reference"]), _prediction(one), _prediction(other)]
        for one, other in runs.changed[:_EXAMPLES]
    ]
    note = (
        f"Of {runs.examples:,} examples, {second} does better on {runs.only_second:,} and worse on {runs.only_first:,}."
    )
    if len(runs.changed) > _EXAMPLES:
        note += f" Those with the largest difference; `differences` has all {len(runs.changed):,}."
    header = ["example", "true", first, second]
    return ReportTable(f"Examples on which {second} and {first} differ", header, rows, note)


def _example_name(row: Mapping[str, object]) -> str:
    name = row.get("id")
    return f"row {row.get('row')}" if name is None or name == row.get("row") else f"row {row.get('row')}, {name}"


def _prediction(row: Mapping[str, object]) -> str:
    text = _cell(row["prediction"])
    if is_finite_number(row.get("f1")):
        return f"{text} (F1 {100 * float(str(row['f1'])):.0f})"
    probabilities = row.get("probabilities")
    share = probabilities.get(text) if isinstance(probabilities, dict) else None
    return f"{text} ({share:.0%})" if is_finite_number(share) else text


def _cell(value: object) -> str:
    if isinstance(value, list):
        value = " / ".join(map(str, value))
    return f"{value:.3f}" if isinstance(value, float) else excerpt(str(value), length=_LENGTH) or "(none)"


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


def _parameters(reports: Sequence[RunReport]) -> list[list[str]]:
    return [[kind, *(_text(dict(run.parameters).get(kind)) for run in reports)] for kind in ("total", "trainable")]


def _seconds(reports: Sequence[RunReport]) -> list[list[str]]:
    stages = dict.fromkeys(stage for report in reports for stage in report.timings)
    return [[stage, *(format_score(report.timings.get(stage), ",.1f") for report in reports)] for stage in stages]


def _differing(columns: Sequence[Mapping[str, object]]) -> list[list[str]]:
    """Return a row for each name whose values are not the same in all columns."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name.replace("_", " "), *(_text(column.get(name)) for column in columns)] for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)
