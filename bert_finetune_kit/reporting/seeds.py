"""Several runs that differ by their seed alone: mean and standard deviation of each score."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from .markdown import table
from .report import RunReport
from .terminal import rich_table


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
    """Standard deviation of each score over the seeds (divided by their number less one)."""
    header: list[str]
    """Head of the table."""
    rows: list[list[str]]
    """One row a seed, and mean ± standard deviation."""

    def save(self, folder: str | Path) -> None:
        """Write `seeds.json` and `seeds.md` into `folder`, and print the table."""
        Path(folder, "seeds.json").write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")
        text = f"# {self.recipe}, {len(self.seeds)} seeds\n\n{table(self.header, self.rows)}\n"
        Path(folder, "seeds.md").write_text(text, "utf-8")
        title = f"{self.recipe}, {len(self.seeds)} seeds"
        Console().print(Panel(rich_table(self.header, self.rows), title=title, expand=False))


def summarize_seeds(seeds: Sequence[int], reports: Sequence[RunReport]) -> SeedsReport:
    """Put runs of several seeds together.

    Args:
        seeds: at least two.
        reports: the run of each.
    """
    shown = [score for score in reports[0].glossary if all(_is_number(one.result.get(score.key)) for one in reports)]
    results = [{score.key: float(report.result[score.key]) for score in shown} for report in reports]
    values = {score.key: [result[score.key] for result in results] for score in shown}
    mean = {key: statistics.fmean(column) for key, column in values.items()}
    std = {key: statistics.stdev(column) for key, column in values.items()}
    rows = [
        [f"seed {seed}", *(format(result[score.key], score.form) for score in shown)]
        for seed, result in zip(seeds, results, strict=True)
    ]
    spread = [f"{mean[score.key]:{score.form}} ± {std[score.key]:{score.form}}" for score in shown]
    header = ["", *(score.label for score in shown)]
    return SeedsReport(reports[0].recipe, list(seeds), results, mean, std, header, [*rows, ["mean ± std", *spread]])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
