"""A report as one page that needs nothing else: no network, no script, light and dark, for a phone and for paper."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .markdown import data_rows, history_rows, numeric, parameter_rows, score_rows, setting_rows, time_rows
from .parameters import CHANGE_HEADER, CHANGE_NOTE, change_rows
from .plots import Plot, plots, weight_change
from .report import Finding, ReportTable, RunReport

REPORT_PAGE = "report.html"
_LONG, _VERY_LONG = 36, 120  # characters from which on a cell wraps


@dataclass(frozen=True)
class Block:
    """A table of a page."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: Sequence[str] = ()
    """Paragraphs."""
    meanings: Sequence[tuple[str, str]] = ()
    """What the rows or columns mean, by name."""

    @property
    def columns(self) -> list[str]:
        """Kind of each column: `number`, `long` or `text` where cells wrap, or nothing."""
        texts = [max((len(str(row[place])) for row in self.rows), default=0) for place in range(len(self.header))]
        right = numeric(self.header, self.rows)
        return [
            "number" if number else "text" if longest > _VERY_LONG else "long" if longest > _LONG else ""
            for number, longest in zip(right, texts, strict=True)
        ]


@dataclass(frozen=True)
class Section:
    """A part of a page, in the order in which it is shown."""

    title: str
    text: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Block] = ()
    folded: Sequence[Block] = ()
    """Tables that are shown when asked for, and not on paper."""
    code: str = ""
    findings: Sequence[Finding] = ()
    links: Sequence[tuple[str, str]] = ()
    """Label and address of pages beside this one."""
    small: bool = False
    """Whether the tables are many and narrow, and stand beside each other where there is room."""


def write_html(report: RunReport, folder: str | Path) -> Path:
    """Write `report.html` into `folder`."""
    path = Path(folder) / REPORT_PAGE
    path.write_text(to_html(report), "utf-8")
    return path


def to_html(report: RunReport) -> str:
    """Render the whole report."""
    looked = bool(report.findings or report.evidence)
    return render(
        title=report.recipe.replace("_", " ").capitalize(),
        summary=report.summary,
        findings=report.findings if looked else None,
        notes=report.notes,
        sections=_sections(report),
    )


def render(**page: Any) -> str:
    """Fill the template; all text is escaped but the pictures.

    Args:
        page: `title`, `summary`, and optionally `subtitle`, `findings`, `notes`, `sections`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    places = Environment(
        loader=PackageLoader("bert_finetune_kit.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    places.filters["marked"] = _marked
    empty = {"subtitle": "", "findings": None, "notes": (), "sections": ()}
    return places.get_template("report.html.jinja").render(**(empty | page))


def _sections(report: RunReport) -> Iterable[Section]:
    curves, outcome = plots(report)
    first, others = report.tables[:1], report.tables[1:]
    yield Section("Scores", tables=[*(block(one) for one in first), *_evaluations(report)])
    if outcome or others:
        yield Section("A closer look", plots=outcome, tables=[block(one) for one in others])
    log = [Block("The training log", *history_rows(report))] if report.history else []
    times = Block("Seconds by stage", *time_rows(report))
    yield Section("Training", plots=curves, tables=[times], folded=log)
    yield Section("Data", tables=[Block("", *data_rows(report))])
    yield _parameters(report)
    if report.reproduce:
        text = ["With the same data, versions and kind of machine, this repeats the run:"]
        yield Section("How to repeat it", text, code=report.reproduce)
    yield Section("Settings and versions", tables=_settings(report), small=True)


def _settings(report: RunReport) -> list[Block]:
    """Return a table for each group of settings."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, value in setting_rows(report)[1]:
        group, _, setting = name.partition(": ")
        groups.setdefault(group, []).append((setting, value))
    return [Block(group, ("setting", "value"), rows) for group, rows in groups.items()]


def _evaluations(report: RunReport) -> Iterable[Block]:
    if not report.scores:
        return
    header, rows = score_rows(report)
    meanings = [(score.label, score.meaning) for score in report.glossary if score.label in header]
    yield Block("After each evaluation", header, rows, meanings=meanings)


def _parameters(report: RunReport) -> Section:
    header, rows = parameter_rows(report, indent="  ")
    moved = weight_change(report)
    explained = report.change.get("explanation") or []
    tables = [Block("By module", header, rows)]
    if report.change.get("modules"):
        tables.insert(0, Block("Before and after training", CHANGE_HEADER, change_rows(report.change), [CHANGE_NOTE]))
    return Section(
        "Parameters", [explained] if isinstance(explained, str) else explained, [moved] if moved else [], tables
    )


def block(one: ReportTable, title: str | None = None) -> Block:
    """Return a table of a report; in its note, a list of `- **name**: meaning` becomes one of the page.

    Args:
        one: the table.
        title: none means its own.
    """
    lines = [line.strip() for line in one.note.splitlines()]
    found = [re.fullmatch(r"- \*\*(.+?)\*\*: (.*)", line) for line in lines]
    paragraphs = [line for line, meaning in zip(lines, found, strict=True) if line and meaning is None]
    meanings = [(meaning[1], meaning[2]) for meaning in found if meaning is not None]
    return Block(one.title if title is None else title, one.header, one.rows, paragraphs, meanings)


def _marked(text: str) -> Any:
    """Return escaped text with *words* in italics and `code`, as notes have them."""
    from markupsafe import Markup, escape

    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*([^*<>]+)\*", r"<em>\1</em>", escaped))
