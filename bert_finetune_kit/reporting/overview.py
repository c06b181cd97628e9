"""One report for runs that belong together, such as pretraining and the fine-tunings that start from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from .markdown import table
from .report import RunReport
from .terminal import rich_table

OVERVIEW_FILE = "overview.md"
_SCORES_SHOWN = 3
_HEADER = ("stage", "parameters", "minutes", "scores of the weights that were saved")


@dataclass(frozen=True)
class Overview:
    """Runs by the name of their folder, in the order in which they were made."""

    runs: Mapping[str, RunReport]

    @classmethod
    def load(cls, folder: str | Path, names: tuple[str, ...]) -> "Overview":
        """Read the reports of runs in folders of one folder.

        Raises:
            OutputError: one of them has no report.
        """
        return cls({name: RunReport.load(Path(folder) / name) for name in names})

    def rows(self) -> list[list[str]]:
        """One row a run: name, parameters, minutes, its first scores."""
        return [
            [name, f"{run.parameters['total']:,}", f"{run.timings['whole run'] / 60:.1f}", _scores(run)]
            for name, run in self.runs.items()
        ]

    def to_markdown(self) -> str:
        """Render all runs on one page, each with its summary, first table, notes and a link to its own report."""
        parts = ["# The whole run", table(_HEADER, self.rows())]
        for name, run in self.runs.items():
            parts += [f"## {name}", " ".join(run.summary)]
            if run.tables:
                parts.append(table(run.tables[0].header, run.tables[0].rows))
            parts += ["\n".join(f"- {note}" for note in run.notes)] if run.notes else []
            parts.append(f"All of it: [{name}/report.md]({name}/report.md)")
        return "\n\n".join(parts) + "\n"

    def save(self, folder: str | Path) -> Path:
        """Write `overview.md` into the folder of the runs, and print what it says in one screen."""
        path = Path(folder) / OVERVIEW_FILE
        path.write_text(self.to_markdown(), "utf-8")
        sentences = [Text.assemble((f"{name}: ", "bold"), " ".join(run.summary)) for name, run in self.runs.items()]
        body = Group(
            rich_table(_HEADER, self.rows()), Text(), *sentences, Text(), Text(f"All of it is in {path}", "bold")
        )
        Console().print(Panel(body, title="the whole run", expand=False))
        return path


def _scores(run: RunReport) -> str:
    shown = [score for score in run.glossary if isinstance(run.result.get(score.key), int | float)][:_SCORES_SHOWN]
    return " · ".join(f"{score.label} {format(run.result[score.key], score.form)}" for score in shown)
