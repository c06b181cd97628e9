"""A report as Markdown."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..text_files import write_text
from .naming import page_title
from .parameters import CHANGE_HEADER, CHANGE_NOTE, change_rows
from .records import WeightChange
from .rows import data_rows, history_rows, numeric_columns, parameter_rows, score_rows, setting_rows, time_rows
from .schema import ReportTable, RunReport
from .tables import describe_scores

MARKDOWN_FILE = "report.md"


def write_markdown(report: RunReport, folder: str | Path) -> Path:
    """Write `report.md` into `folder`."""
    return write_text(Path(folder) / MARKDOWN_FILE, to_markdown(report))


def to_markdown(report: RunReport) -> str:
    """Render the report."""
    sections = [
        f"# {page_title(report)}\n\n" + " ".join(report.summary),
        _findings(report),
        _scores(report),
        *(_table(table) for table in report.tables),
        _notes(report),
        "## Data\n\n" + markdown_table(*data_rows(report)),
        "## Parameters\n\n" + _parameters(report),
        "## Training\n\n" + markdown_table(*history_rows(report)),
        "## Time\n\n" + markdown_table(*time_rows(report)),
        "## Settings\n\n" + _settings(report),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; columns of numbers are aligned to the right.

    >>> print(markdown_table(("split", "tokens"), [("train", 12)]))
    | split | tokens |
    | --- | ---: |
    | train | 12 |
    """
    rows = list(rows)
    lines = [header, ["---:" if right else "---" for right in numeric_columns(header, rows)], *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _findings(report: RunReport) -> str:
    """Return the findings of the diagnosis; nothing for a report that was not diagnosed."""
    if not report.findings:
        rules = report.evidence.get("rules")
        return "" if rules is None else f"## Findings\n\nNone ({rules} rules applied)."
    parts = []
    for finding in report.findings:
        causes = (
            f"\n\nLikely causes: {'; '.join(cause.rstrip('.') for cause in finding.causes)}." if finding.causes else ""
        )
        advice = "".join(f"\n{number}. {text}" for number, text in enumerate(finding.advice, start=1))
        head = f"### {finding.code} ({finding.severity})\n\n{finding.evidence}{causes}"
        parts.append(head + (f"\n{advice}" if advice else ""))
    return "\n\n".join(["## Findings", *parts])


def _scores(report: RunReport) -> str:
    if not report.scores:
        return "## Scores\n\nNot evaluated: there is no validation split."
    header, rows = score_rows(report)
    shown = [score for score in report.glossary if score.label in header]
    return f"## Scores\n\n{markdown_table(header, rows)}\n\n{describe_scores(shown)}"


def _table(table: ReportTable) -> str:
    return f"## {table.title}\n\n{markdown_table(table.header, table.rows)}" + (
        f"\n\n{table.note}" if table.note else ""
    )


def _notes(report: RunReport) -> str:
    return "## Notes\n\n" + "\n".join(f"- {note}" for note in report.notes) if report.notes else ""


def _parameters(report: RunReport) -> str:
    tree = markdown_table(*parameter_rows(report, "&nbsp;" * 4))
    return tree if not report.change else f"{_change(report.change)}\n\n{tree}"


def _change(change: WeightChange) -> str:
    explanation = " ".join(change["explanation"])
    return "\n\n".join([explanation, markdown_table(CHANGE_HEADER, change_rows(change)), CHANGE_NOTE])


def _settings(report: RunReport) -> str:
    header, rows = setting_rows(report)
    return markdown_table(header, [[name, f"`{value}`"] for name, value in rows])
