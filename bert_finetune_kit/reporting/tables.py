"""Tables of a report: results with intervals and baselines, scores by group, confusion, worst errors."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from .formatting import UNDEFINED, excerpt, format_interval, format_score
from .intervals import Interval
from .schema import ReportTable, Score

Key = TypeVar("Key", bound=str)


def result_table(
    scores: Sequence[Score],
    values: Mapping[str, float],
    intervals: Mapping[str, Interval],
    baselines: Mapping[str, Mapping[str, float]],
    published: Mapping[str, float] | None = None,
    *,
    title: str = "Result",
    note: str = "",
    further: Mapping[str, Mapping[str, float]] | None = None,
) -> ReportTable:
    """Return the scores of the saved weights, each with its interval, its baselines and the published value.

    A score without a value has no row; without any published value of these scores there is no column for them.

    Args:
        scores: in the order to show them.
        values: by key.
        intervals: 95% intervals of those that have one.
        baselines: scores by the name of the baseline, such as `majority`.
        published: what others report.
        title: of the table.
        note: below the table.
        further: further columns of scores by their header, between the baselines and the published values.

    >>> accuracy = Score("accuracy", "accuracy", ".1%", "share predicted correctly")
    >>> majority = {"majority": {"accuracy": 0.5}}
    >>> table = result_table([accuracy], {"accuracy": 0.91}, {"accuracy": (0.89, 0.93)}, majority)
    >>> table.header, table.rows
    (['score', 'value', '95% interval', 'majority baseline'], [['accuracy', '91.0%', '89.0% to 93.0%', '50.0%']])
    """
    shown = [score for score in scores if score.key in values]
    columns = {baseline_label(name): column for name, column in baselines.items()} | dict(further or {})
    if published and any(score.key in published for score in shown):
        columns["published"] = published
    rows = [
        [
            score.label,
            format_score(values[score.key], score.format_spec),
            format_interval(intervals.get(score.key), score.format_spec),
            *(format_score(column.get(score.key), score.format_spec) for column in columns.values()),
        ]
        for score in shown
    ]
    return ReportTable(title, ["score", "value", "95% interval", *columns], rows, note)


def baseline_label(name: str) -> str:
    """Return the name of a baseline as a reader sees it.

    >>> baseline_label("always_abstain")
    'always-abstain baseline'
    """
    return f"{name.replace('_', '-')} baseline"


def describe_scores(scores: Sequence[Score]) -> str:
    """Return a list of the scores with their descriptions, for the note of a table."""
    return "\n".join(f"- **{score.label}**: {score.description.rstrip('.')}." for score in scores)


def group_table(
    groups: Mapping[str, Mapping[Key, float | None]],
    columns: Mapping[Key, tuple[str, str]],
    *,
    group_label: str,
    title: str,
    note: str = "",
) -> ReportTable:
    """Return scores and counts by group, such as by label or by question word, a row a group.

    Args:
        groups: values by the name of the group; None where a value is undefined.
        columns: key of a value → header and format.
        group_label: header of the first column.
        title: of the table.
        note: below the table.

    >>> columns = {"f1": ("F1", ".1%"), "support": ("true", ",.0f")}
    >>> group_table({"good": {"f1": 0.9, "support": 1200}}, columns, group_label="label", title="By label").rows
    [['good', '90.0%', '1,200']]
    """
    rows = [
        [name, *(format_score(values[key], format_spec) or UNDEFINED for key, (_, format_spec) in columns.items())]
        for name, values in groups.items()
    ]
    return ReportTable(title, [group_label, *(header for header, _ in columns.values())], rows, note)


def confusion_table(labels: Sequence[str], counts: Sequence[Sequence[int]], *, title: str) -> ReportTable:
    """Return a confusion matrix as a table.

    Args:
        labels: names, by id.
        counts: (true label, predicted label).
        title: of the table.
    """
    rows = [[f"true {label}", *(f"{count:,}" for count in row)] for label, row in zip(labels, counts, strict=True)]
    return ReportTable(title, ["", *(f"predicted {label}" for label in labels)], rows)


def confused_table(
    labels: Sequence[str], counts: Sequence[Sequence[int]], *, title: str, most: int = 15
) -> ReportTable:
    """Return the pairs of labels that are confused most often, a row a pair.

    Args:
        labels: names, by id.
        counts: (true label, predicted label).
        title: of the table.
        most: rows.

    >>> confused_table(["a", "b"], [[3, 1], [4, 4]], title="Confused").rows
    [['b', 'a', '4', '50.0%'], ['a', 'b', '1', '25.0%']]
    """
    pairs = [
        (count, true, predicted)
        for true, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    rows = [
        [labels[true], labels[predicted], f"{count:,}", f"{count / sum(counts[true]):.1%}"]
        for count, true, predicted in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:]))[:most]
    ]
    return ReportTable(title, ["true", "predicted", "examples", "share of the true label"], rows)


def errors_table(
    errors: Sequence[Mapping[str, object]],
    columns: Mapping[str, str],
    *,
    title: str,
    note: str = "",
    around: Sequence[str] = (),
    length: int = 200,
) -> ReportTable:
    """Return the worst errors, a row an error; long texts are cut to an excerpt.

    Args:
        errors: text, lists of texts or numbers by key.
        columns: key → header, in the order to show them.
        title: of the table.
        note: below the table.
        around: keys of the texts that an excerpt should show, such as the prediction in a context.
        length: most characters of a text.
    """
    rows = []
    for error in errors:
        phrases = [phrase for key in around for phrase in _texts(error.get(key))]
        rows.append([_cell(error.get(key), phrases if key not in around else (), length) for key in columns])
    return ReportTable(title, list(columns.values()), rows, note)


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [] if value is None else [str(value)]


def _cell(value: object, phrases: Sequence[str], length: int) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return excerpt(" / ".join(_texts(value)), phrases, length) or "(none)"
