"""A page of sections as one self-contained file: no network, no script, light and dark, for a phone and for paper."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .headline import Headline
from .rows import numeric_columns
from .schema import Finding, ReportTable
from .svg import Plot

if TYPE_CHECKING:
    from markupsafe import Markup

_LONG, _VERY_LONG = 36, 120  # characters from which on a cell wraps
_HALF = 64  # characters of the rows that have room in half of a page


@dataclass(frozen=True)
class Block:
    """A table of a page."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: Sequence[str] = ()
    """Paragraphs."""
    descriptions: Sequence[tuple[str, str]] = ()
    """Name of a row or column, and what it is; shown on a click."""

    @property
    def columns(self) -> list[str]:
        """Class of each column: `number`; `long` or `text`, whose cells wrap; or nothing."""
        return [
            "number" if right else "text" if length > _VERY_LONG else "long" if length > _LONG else ""
            for right, length in zip(numeric_columns(self.header, self.rows), self._lengths, strict=True)
        ]

    @property
    def is_wide(self) -> bool:
        """Whether the table needs more than half of a page."""
        return sum(length + 2 for length in self._lengths) > _HALF

    @property
    def _lengths(self) -> list[int]:
        """Length of the longest cell of each column."""
        return [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]


@dataclass(frozen=True)
class Section:
    """A section of a page, its parts in the order in which they are shown."""

    title: str
    text: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Block] = ()
    folded: Sequence[Block] = ()
    """Tables that are shown on a click."""
    code: str = ""
    findings: Sequence[Finding] = ()
    links: Sequence[tuple[str, str]] = ()
    """Label and address of other pages."""
    is_folded: bool = False
    """Whether the whole section is shown on a click."""

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return anchor(self.title)

    @property
    def is_text_beside_plot(self) -> bool:
        """Whether several paragraphs and the only plot stand side by side where there is room."""
        return len(self.text) > 1 and len(self.plots) == 1


def anchor(title: str) -> str:
    """Return the id of the section with a title.

    >>> anchor("Settings and versions")
    'settings-and-versions'
    """
    return "-".join(re.findall(r"\w+", title.lower())) or "section"


def render(
    *,
    title: str,
    summary: Sequence[str] = (),
    points: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    headlines: Sequence[Headline] = (),
    findings: Sequence[Finding] | None = None,
    notes: Sequence[str] = (),
    sections: Sequence[Section] = (),
) -> str:
    """Fill the template; all text is escaped, plots are inserted as they are.

    Args:
        title: of the page.
        summary: sentences, shown as one paragraph.
        points: sentences that each stand for themselves, shown as a list.
        facts: name and value of what the page is about, such as model and data.
        headlines: the main figures.
        findings: of the diagnosis; None for a report that was not diagnosed.
        notes: what a reader should know.
        sections: of the page, with different titles.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bert_finetune_kit.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["marked"] = _marked
    return environment.get_template("report.html.jinja").render(
        title=title, facts=facts, summary=summary, points=points, headlines=headlines, findings=findings,
        notes=notes, sections=sections,
    )  # fmt: skip


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
