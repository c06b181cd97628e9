"""Several runs that differ in their seed alone: mean and standard deviation of each score."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.panel import Panel

from ..text_files import write_text
from .dot_plots import ComparedScore, dot_plots
from .markdown import markdown_table
from .naming import facts as report_facts
from .naming import page_title, recipe_label
from .numbers import is_finite_number
from .optional import Parts
from .page import Block, Section, render
from .schema import RunReport, Score
from .terminal import rich_table, stdout_console

SEEDS_PAGE = "seeds.html"
_SUMMED = "mean ± std"


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
    glossary: list[Score] = field(default_factory=list)
    """The scores, in the order in which they are shown."""
    title: str = ""
    """What was done with which data."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """Model, data and date by their names."""

    def to_html(self) -> str:
        """Render the seeds as one self-contained page, which links to the report of each."""
        names = [*(f"seed {seed}" for seed in self.seeds), _SUMMED]
        caption = "Dots are the scores of the saved weights; the bar is the mean ± one standard deviation of the seeds."
        links = [(f"Report of seed {seed}", f"seed-{seed}/report.html") for seed in self.seeds]
        meanings = [(score.label, score.description) for score in self.glossary]
        sections = [
            Section(
                "Charts", [caption], dot_plots(names, [self._compared(score) for score in self.glossary], last=True)
            ),
            Section("Scores", tables=[Block("", self.header, self.rows, descriptions=meanings)], links=links),
        ]
        return render(title=f"{self.title or recipe_label(self.recipe)}, {len(self.seeds)} seeds", facts=self.facts,
                      summary=self._summary(), sections=sections)  # fmt: skip

    def save(self, folder: str | Path) -> None:
        """Write `seeds.json`, `seeds.md` and `seeds.html` into `folder`, and print the table."""
        for part in self.parts(folder).values():
            part()

    def parts(self, folder: str | Path) -> Parts:
        """Return what `save` does, none of it needed by the rest."""
        title = f"{recipe_label(self.recipe)}, {len(self.seeds)} seeds"
        return {
            "seeds.json was not written": lambda: write_text(
                Path(folder, "seeds.json"), json.dumps(asdict(self), indent=2) + "\n"
            ),
            "seeds.md was not written": lambda: write_text(
                Path(folder, "seeds.md"), f"# {title}\n\n{markdown_table(self.header, self.rows)}\n"
            ),
            f"{SEEDS_PAGE} was not written": lambda: write_text(Path(folder, SEEDS_PAGE), self.to_html()),
            "The seeds were not shown": lambda: stdout_console().print(
                Panel(rich_table(self.header, self.rows), title=title, expand=False)
            ),
        }

    def _summary(self) -> list[str]:
        texts = [
            f"{score.label} {self.mean[score.key]:{score.format_spec}} ± {self.std[score.key]:{score.format_spec}}"
            for score in self.glossary[:3]
        ]
        return [f"Mean ± standard deviation of {len(self.seeds)} seeds: {', '.join(texts)}."] if texts else []

    def _compared(self, score: Score) -> ComparedScore:
        mean, std = self.mean[score.key], self.std[score.key]
        values = [*(result[score.key] for result in self.results), mean]
        none: list[tuple[float, float] | None] = [None] * len(self.results)
        return ComparedScore(score.label, score.format_spec, values, [*none, (mean - std, mean + std)])


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
    about = [
        (name, value) for name, value in report_facts(reports[0]) if name in ("model", "adapters", "data", "finished")
    ]
    return SeedsReport(
        reports[0].recipe, list(seeds), results, mean, std, header, [*rows, [_SUMMED, *spread]], shown,
        page_title(reports[0]), about,
    )  # fmt: skip
