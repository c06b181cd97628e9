"""A report on the terminal, in one screen."""

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .markdown import numeric, score_rows
from .report import RunReport


def print_report(report: RunReport, folder: str, console: Console | None = None) -> None:
    """Print summary, findings, scores and notes, and where the rest is."""
    parts: list[RenderableType] = [Text(" ".join(report.summary)), Text()]
    parts += [*_findings(report), Text()] if report.findings else []
    if report.scores:
        parts += [_scores(report), Text()]
    if report.tables:
        parts += [rich_table(report.tables[0].header, report.tables[0].rows), Text()]
    parts += [Text(f"· {note}") for note in report.notes]
    parts.append(Text(f"Model, report.md and report.json are in {folder}", style="bold"))
    (console or Console()).print(Panel(Group(*parts), title=report.recipe, expand=False))


def _findings(report: RunReport) -> list[RenderableType]:
    """Code, evidence and the first advice of each finding."""
    styles = {"error": "bold red", "warning": "yellow", "note": "dim"}
    return [
        Text.assemble(
            (one.code, styles.get(one.severity, "")), f" {one.evidence}", (f" → {tip}" if tip else "", "italic")
        )
        for one in report.findings
        for tip in [one.advice[0] if one.advice else ""]
    ]


def _scores(report: RunReport) -> Table:
    header, rows = score_rows(report)
    table = rich_table(header, [])
    for number, row in enumerate(rows):
        is_baseline = number >= len(report.scores)
        is_result = not is_baseline and report.scores[number] == report.result
        table.add_row(*row, style="dim" if is_baseline else "bold" if is_result else "")
    return table


def rich_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a plain table of rich; columns of numbers stand to the right."""
    rows = list(rows)
    table = Table(box=None, pad_edge=False)
    for label, right in zip(header, numeric(header, rows), strict=True):
        table.add_column(label, justify="right" if right else "left")
    for row in rows:
        table.add_row(*row)
    return table
