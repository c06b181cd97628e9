"""What the summaries of several runs of one recipe share: the scores that all have, and the files."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.panel import Panel

from ..text_files import write_text
from .markdown import markdown_table
from .naming import facts
from .numbers import is_finite_number
from .optional import Parts
from .schema import RunReport, Score
from .terminal import rich_table, stdout_console

MEAN_AND_STD = "mean ± std"
_FACTS = ("model", "adapters", "data", "finished")


def scores_of_all(
    glossary: Sequence[Score], results: Sequence[Mapping[str, Any]]
) -> tuple[list[Score], list[dict[str, float]]]:
    """Return the scores that are finite in all results, and these results alone."""
    shown = [score for score in glossary if all(is_finite_number(result.get(score.key)) for result in results)]
    return shown, [{score.key: float(result[score.key]) for score in shown} for result in results]


def mean_and_std(results: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return mean and sample standard deviation of each score of two results or more."""
    columns = {key: [result[key] for result in results] for key in results[0]}
    mean = {key: statistics.fmean(column) for key, column in columns.items()}
    return mean, {key: statistics.stdev(column) for key, column in columns.items()}


def with_std(score: Score, mean: Mapping[str, float], std: Mapping[str, float]) -> str:
    """Return mean ± standard deviation of a score; empty where it has none."""
    return f"{mean[score.key]:{score.format_spec}} ± {std[score.key]:{score.format_spec}}" if score.key in mean else ""


def facts_of(report: RunReport) -> list[tuple[str, str]]:
    """Return model, data and date of a run by their names."""
    return [(name, value) for name, value in facts(report) if name in _FACTS]


def summary_parts(
    summary: Any,
    folder: str | Path,
    name: str,
    title: str,
    page: Callable[[], str],
    tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]],
    text: Sequence[str] = (),
) -> Parts:
    """Return steps that write a summary as JSON, Markdown and a page, and print it; none is needed by the rest.

    Args:
        summary: a dataclass.
        folder: to write into.
        name: of the files and of the summary in messages.
        title: of the summary.
        page: returns the page.
        tables: header and rows of each.
        text: paragraphs above the tables.
    """
    shown = [*text, *(markdown_table(*table) for table in tables)]
    return {
        f"{name}.json was not written": lambda: write_text(
            Path(folder, f"{name}.json"), json.dumps(asdict(summary), indent=2) + "\n"
        ),
        f"{name}.md was not written": lambda: write_text(
            Path(folder, f"{name}.md"), "\n\n".join([f"# {title}", *shown]) + "\n"
        ),
        f"{name}.html was not written": lambda: write_text(Path(folder, f"{name}.html"), page()),
        f"The {name} were not shown": lambda: stdout_console().print(
            Panel(rich_table(*tables[0]), title=title, expand=False)
        ),
    }
