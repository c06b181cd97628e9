"""A report as one self-contained page: no network, no script, light and dark, for a phone and for paper."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..text_files import write_text
from .parameters import CHANGE_HEADER, CHANGE_NOTE, change_rows
from .plots import plots, weight_change
from .rows import data_rows, history_rows, numeric_columns, parameter_rows, score_rows, setting_rows, time_rows
from .schema import Finding, ReportTable, RunReport
from .svg import Plot

if TYPE_CHECKING:
    from markupsafe import Markup

REPORT_PAGE = "report.html"
_LONG, _VERY_LONG = 36, 120  # characters from which on a cell wraps


@dataclass(frozen=True)
class Block:
    """A table of a page."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: Sequence[str] = ()
    """Paragraphs."""
    descriptions: Sequence[tuple[str, str]] = ()
    """Name of a row or column, and what it is."""

    @property
    def columns(self) -> list[str]:
        """Class of each column: `number`; `long` or `text`, whose cells wrap; or nothing."""
        longest = [max((len(row[place]) for row in self.rows), default=0) for place in range(len(self.header))]
        return [
            "number" if right else "text" if length > _VERY_LONG else "long" if length > _LONG else ""
            for right, length in zip(numeric_columns(self.header, self.rows), longest, strict=True)
        ]


@dataclass(frozen=True)
class Section:
    """A section of a page, its parts in the order in which they are shown."""

    title: str
    text: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Block] = ()
    folded: Sequence[Block] = ()
    """Tables that are shown on a click, and not on paper."""
    code: str = ""
    findings: Sequence[Finding] = ()
    links: Sequence[tuple[str, str]] = ()
    """Label and address of other pages."""
    small: bool = False
    """Whether the tables are narrow, and stand side by side where there is room."""


def write_html(report: RunReport, folder: str | Path) -> Path:
    """Write `report.html` into `folder`."""
    return write_text(Path(folder) / REPORT_PAGE, to_html(report))


def to_html(report: RunReport) -> str:
    """Render the report."""
    return render(
        title=report.recipe.replace("_", " ").capitalize(),
        summary=report.summary,
        findings=report.findings if report.findings or report.evidence else None,
        notes=report.notes,
        sections=list(_sections(report)),
    )


def framed(page: str) -> str:
    """Return a page as a frame within another page, whose styles stay apart."""
    from markupsafe import escape

    return f'<iframe srcdoc="{escape(page)}" style="width: 100%; height: 40em; border: 0"></iframe>'


def render(
    *,
    title: str,
    summary: Sequence[str],
    subtitle: str = "",
    findings: Sequence[Finding] | None = None,
    notes: Sequence[str] = (),
    sections: Sequence[Section] = (),
) -> str:
    """Fill the template; all text is escaped, plots are inserted as they are.

    Args:
        title: of the page.
        summary: sentences.
        subtitle: below the title.
        findings: of the diagnosis; None for a report that was not diagnosed.
        notes: what a reader should know.
        sections: of the page.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bert_finetune_kit.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["marked"] = _marked
    return environment.get_template("report.html.jinja").render(
        title=title, subtitle=subtitle, summary=summary, findings=findings, notes=notes, sections=sections
    )


def _sections(report: RunReport) -> Iterable[Section]:
    curves, outcome = plots(report)
    first, rest = report.tables[:1], report.tables[1:]
    yield Section("Scores", tables=[*(block(table) for table in first), *evaluation_blocks(report)])
    if outcome or rest:
        yield Section("Details", plots=outcome, tables=[block(table) for table in rest])
    log = [Block("Training log", *history_rows(report))] if report.history else []
    times = Block("Seconds by stage", *time_rows(report))
    yield Section("Training", plots=curves, tables=[times], folded=log)
    yield Section("Data", tables=[Block("", *data_rows(report))])
    yield _parameters(report)
    if report.reproduce:
        text = ["This script repeats the run, given the same data, package versions and type of machine:"]
        yield Section("Reproduce", text, code=report.reproduce)
    yield Section("Settings and versions", tables=_settings(report), small=True)


def _settings(report: RunReport) -> list[Block]:
    """Return a table for each group of settings."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, value in setting_rows(report)[1]:
        group, _, setting = name.partition(": ")
        groups.setdefault(group, []).append((setting, value))
    return [Block(group, ("setting", "value"), rows) for group, rows in groups.items()]


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
    return Section("Parameters", report.change.get("explanation", []), [plot] if plot else [], tables)


def block(table: ReportTable, title: str | None = None) -> Block:
    """Return a table of a report; lines `- **name**: description` of its note become a list of descriptions.

    Args:
        table: of a report.
        title: None for its own.
    """
    lines = [line.strip() for line in table.note.splitlines()]
    matches = [re.fullmatch(r"- \*\*(.+?)\*\*: (.*)", line) for line in lines]
    paragraphs = [line for line, match in zip(lines, matches, strict=True) if line and match is None]
    descriptions = [(match[1], match[2]) for match in matches if match is not None]
    return Block(table.title if title is None else title, table.header, table.rows, paragraphs, descriptions)


def _marked(text: str) -> "Markup":
    """Return escaped text with *emphasis* and `code` of a note as HTML."""
    from markupsafe import Markup, escape

    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*([^*<>]+)\*", r"<em>\1</em>", escaped))
