"""A report on the terminal, on one screen."""

import shutil
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..output import StandardOutput
from .html import REPORT_PAGE
from .markdown import MARKDOWN_FILE
from .naming import recipe_label
from .parameters import change_line
from .rows import numeric_columns, score_rows
from .schema import REPORT_FILE, RunReport

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold blue"}
_EVALUATIONS = 5  # of a long run, those shown beside that of the saved weights
_WIDTH = 100  # characters of a line where there is no terminal
_FRAME, _GAP = 4, 2  # columns of the border, and between two columns of a table


def stdout_console() -> Console:
    """Return a console that writes to standard output, whatever its encoding."""
    return Console(file=StandardOutput())  # type: ignore[arg-type]


def report_text(report: RunReport) -> str:
    """Return what `print_report` prints, as text without colours and as wide as the terminal."""
    folder = str(report.settings.get("training", {}).get("output_dir", ""))
    saved = folder if Path(folder, REPORT_FILE).exists() else None
    text, width = StringIO(), shutil.get_terminal_size((_WIDTH, 0)).columns
    print_report(report, saved, Console(file=text, width=width, force_jupyter=False))
    return text.getvalue().rstrip("\n")


def print_report(report: RunReport, folder: str | None, console: Console | None = None) -> None:
    """Print summary, findings, scores and notes, and where the complete report is.

    Args:
        report: of a run or an evaluation.
        folder: of the run; none means that the report is in no folder.
        console: where to write; none means standard output.
    """
    console = console or stdout_console()
    console.print(_panel(report, folder, console.width))


def _panel(report: RunReport, folder: str | None, width: int) -> Panel:
    parts: list[RenderableType] = [Text(" ".join(report.summary)), Text()]
    parts += [*_findings(report), Text()] if report.findings else []
    if report.scores:
        parts += [*_scores(report, width - _FRAME), Text()]
    if report.tables:
        parts += [rich_table(report.tables[0].header, report.tables[0].rows), Text()]
    parts += [Text(change_line(report.change)), Text()] if report.change else []
    parts += [Text(f"· {note}") for note in report.notes]
    if folder is not None:
        files = [name for name in (REPORT_PAGE, MARKDOWN_FILE, REPORT_FILE) if Path(folder, name).exists()]
        parts.append(Text(f"{', '.join([*files, 'the model'])} and its tokenizer are in {folder}", "bold"))
    return Panel(Group(*parts), title=recipe_label(report.recipe), expand=False)


def _findings(report: RunReport) -> list[RenderableType]:
    """Return severity, code, evidence and the first advice of each finding."""
    return [
        Text.assemble(
            (f"{finding.severity} {finding.code}", _STYLES.get(finding.severity, "")),
            f" {finding.evidence}",
            (f" → {finding.advice[0]}" if finding.advice else "", "italic"),
        )
        for finding in report.findings
    ]


def _scores(report: RunReport, width: int) -> list[RenderableType]:
    """Return some of the evaluations and the baselines, in as many columns as fit."""
    header, rows = score_rows(report)
    evaluations = range(len(report.scores))
    shown = {*evaluations[:: max(1, -(-len(report.scores) // _EVALUATIONS))], *evaluations[-1:]}
    shown |= {number for number in evaluations if report.scores[number] == report.result}
    columns = _fitting(header, rows, width)
    table = rich_table([header[column] for column in columns], [])
    for number, row in enumerate(rows):
        is_baseline = number >= len(report.scores)
        is_result = not is_baseline and report.scores[number] == report.result
        if is_baseline or number in shown:
            style = "dim" if is_baseline else "bold" if is_result else ""
            table.add_row(*(row[column] for column in columns), style=style)
    hidden = [header[column] for column in range(len(header)) if column not in columns]
    return [table, *([Text(f"(also in the report: {', '.join(hidden)})", style="dim")] if hidden else [])]


def _fitting(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the columns, from the first on, that fit beside each other; two at least."""
    used, columns = -_GAP, []
    for column, label in enumerate(header):
        used += _GAP + max(len(label), *(len(row[column]) for row in rows))
        if used <= width or column < 2:
            columns.append(column)
    return columns


def rich_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a plain table of rich; columns of numbers are aligned to the right."""
    rows = list(rows)
    table = Table(box=None, pad_edge=False)
    for label, right in zip(header, numeric_columns(header, rows), strict=True):
        table.add_column(label, justify="right" if right else "left")
    for row in rows:
        table.add_row(*row)
    return table
