"""A report as one page: the main figures first, then findings, charts and tables, and the rest on a click."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..text_files import write_text
from .headline import headlines
from .naming import capitalized, facts, page_title
from .page import Block, Section, block, render
from .parameters import CHANGE_HEADER, CHANGE_NOTE, change_rows
from .plots import Plot, plots, weight_change
from .rows import data_rows, history_rows, parameter_rows, score_rows, setting_rows, time_rows
from .schema import RunReport

REPORT_PAGE = "report.html"
_LONG_TABLE = 16  # rows from which on a table is shown on a click


def write_html(report: RunReport, folder: str | Path) -> Path:
    """Write `report.html` into `folder`."""
    return write_text(Path(folder) / REPORT_PAGE, to_html(report))


def to_html(report: RunReport) -> str:
    """Render the report."""
    return render(
        title=page_title(report),
        facts=facts(report),
        headlines=headlines(report),
        summary=report.summary,
        findings=report.findings if report.findings or report.evidence else None,
        notes=report.notes,
        sections=list(_sections(report)),
    )


def framed(page: str) -> str:
    """Return a page as a frame within another page, whose styles stay apart."""
    from markupsafe import escape

    return f'<iframe srcdoc="{escape(page)}" style="width: 100%; height: 40em; border: 0"></iframe>'


def _sections(report: RunReport) -> Iterable[Section]:
    curves, outcome = plots(report)
    tables, folded, glossary = _tables(report, outcome)
    yield Section("Results", plots=outcome, tables=tables, folded=folded)
    by_evaluation = evaluation_blocks(report)
    glossary |= {name: text for found in by_evaluation for name, text in found.descriptions}
    log = [Block("Training log", *history_rows(report))] if report.history else []
    times = [Block("Seconds by stage", *time_rows(report))] if report.timings else []
    if report.history:
        short, long = _by_length([replace(found, descriptions=()) for found in by_evaluation])
        yield Section("Training", plots=curves, tables=[*short, *times], folded=[*long, *log])
    elif by_evaluation or times:
        yield Section("Evaluation", tables=[*(replace(found, descriptions=()) for found in by_evaluation), *times])
    if glossary:
        rows = [(name, text) for name, text in glossary.items()]
        yield Section("What the scores mean", tables=[Block("", ("score", "meaning"), rows)], is_folded=True)
    if report.data:
        yield Section("Data", tables=[Block("", *data_rows(report))], is_folded=True)
    if report.parameters:
        yield _parameters(report)
    if report.reproduce:
        text = ["This script repeats the run, given the same data, package versions and type of machine:"]
        yield Section("Reproduce", text, code=report.reproduce, is_folded=True)
    yield Section("Settings and versions", tables=_settings(report), is_folded=True)


def _tables(report: RunReport, drawn: Sequence[Plot]) -> tuple[list[Block], list[Block], dict[str, str]]:
    """Return the tables to show, those to fold away, and the descriptions of all of them by name.

    A table that is drawn is folded away, and so is a long one.
    """
    blocks = [block(table) for table in report.tables]
    glossary = {name: text for found in blocks for name, text in found.descriptions}
    titles = {plot.title for plot in drawn}
    plain = [replace(found, descriptions=()) for found in blocks]
    shown, long = _by_length([found for found in plain if found.title not in titles])
    as_tables = [replace(found, title=f"{found.title}, as a table") for found in plain if found.title in titles]
    return shown, [*long, *as_tables], glossary


def _by_length(blocks: Sequence[Block]) -> tuple[list[Block], list[Block]]:
    """Return the short tables, and the long ones."""
    short = [found for found in blocks if len(found.rows) < _LONG_TABLE]
    return short, [found for found in blocks if len(found.rows) >= _LONG_TABLE]


def _settings(report: RunReport) -> list[Block]:
    """Return a table for each group of settings."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, value in setting_rows(report)[1]:
        group, _, setting = name.partition(": ")
        groups.setdefault(group, []).append((setting, value))
    return [Block(capitalized(group), ("setting", "value"), rows) for group, rows in groups.items()]


def evaluation_blocks(report: RunReport, title: str = "By evaluation") -> list[Block]:
    """Return the table of all evaluations with the descriptions of its scores; none where nothing was evaluated."""
    if not report.scores:
        return []
    header, rows = score_rows(report)
    shown = [(score.label, score.description) for score in report.glossary if score.label in header]
    return [Block(title, header, rows, descriptions=shown)]


def _parameters(report: RunReport) -> Section:
    tables = [Block("By module", *parameter_rows(report, indent="  "))]
    if report.change.get("modules"):
        tables.insert(0, Block("Before and after training", CHANGE_HEADER, change_rows(report.change), [CHANGE_NOTE]))
    plot = weight_change(report)
    return Section("Parameters", report.change.get("explanation", []), [plot] if plot else [], folded=tables)
