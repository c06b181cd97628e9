"""Several runs that differ in their seed alone: mean and standard deviation of each score."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.panel import Panel

from ..text_files import write_text
from .markdown import markdown_table
from .numbers import is_finite_number
from .optional import Parts
from .schema import RunReport
from .terminal import rich_table, stdout_console


@dataclass
class SeedsReport:
    """Scores of the saved weights of each run."""

    recipe: str
    """Name of the recipe."""
    seeds: list[int]
    """Seed of each run."""
    results: list[dict[str, float]]
    """Scores of each run, in the order of the seeds."""
    mean: dict[str, float]
    """Mean of each score."""
    std: dict[str, float]
    """Sample standard deviation of each score over the seeds."""
    header: list[str]
    """Header of the table."""
    rows: list[list[str]]
    """One row for each seed, then mean ± standard deviation."""

    def save(self, folder: str | Path) -> None:
        """Write `seeds.json` and `seeds.md` into `folder`, and print the table."""
        for part in self.parts(folder).values():
            part()

    def parts(self, folder: str | Path) -> Parts:
        """Return what `save` does, none of it needed by the rest."""
        title = f"{self.recipe}, {len(self.seeds)} seeds"
        return {
            "seeds.json was not written": lambda: write_text(
                Path(folder, "seeds.json"), json.dumps(asdict(self), indent=2) + "\n"
            ),
            "seeds.md was not written": lambda: write_text(
                Path(folder, "seeds.md"), f"# {title}\n\n{markdown_table(self.header, self.rows)}\n"
            ),
            "The seeds were not shown": lambda: stdout_console().print(
                Panel(rich_table(self.header, self.rows), title=title, expand=False)
            ),
        }


def summarize_seeds(seeds: Sequence[int], reports: Sequence[RunReport]) -> SeedsReport:
    """Combine the reports of several seeds; scores that are not finite in all of them are omitted.

    Args:
        seeds: at least two.
        reports: the report of each.
    """
    results: list[dict[str, float]] = [{} for _ in reports]
    shown = []
    for score in reports[0].glossary:
        values = [value for report in reports if is_finite_number(value := report.result.get(score.key))]
        if len(values) == len(reports):
            shown.append(score)
            for result, value in zip(results, values, strict=True):
                result[score.key] = float(value)
    columns = {score.key: [result[score.key] for result in results] for score in shown}
    mean = {key: statistics.fmean(column) for key, column in columns.items()}
    std = {key: statistics.stdev(column) for key, column in columns.items()}
    rows = [
        [f"seed {seed}", *(format(result[score.key], score.format_spec) for score in shown)]
        for seed, result in zip(seeds, results, strict=True)
    ]
    spread = [f"{mean[score.key]:{score.format_spec}} ± {std[score.key]:{score.format_spec}}" for score in shown]
    header = ["", *(score.label for score in shown)]
    return SeedsReport(reports[0].recipe, list(seeds), results, mean, std, header, [*rows, ["mean ± std", *spread]])
