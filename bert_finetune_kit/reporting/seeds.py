"""Several runs that differ in their seed alone: mean and standard deviation of each score."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .dot_plots import ComparedScore, dot_plots
from .naming import page_title, recipe_label
from .optional import Parts
from .page import Block, Section, render
from .schema import RunReport, Score
from .series import MEAN_AND_STD, facts_of, mean_and_std, scores_of_all, summary_parts, with_std


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
        names = [*(f"seed {seed}" for seed in self.seeds), MEAN_AND_STD]
        caption = (
            "Dots are the scores of the saved weights; the bar is the mean ± one standard deviation of the seeds, the "
            "dotted line their mean."
        )
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
        return summary_parts(self, folder, "seeds", title, self.to_html, [(self.header, self.rows)])

    def _summary(self) -> list[str]:
        texts = [f"{score.label} {with_std(score, self.mean, self.std)}" for score in self.glossary[:3]]
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
    shown, results = scores_of_all(reports[0].glossary, [report.result for report in reports])
    mean, std = mean_and_std(results)
    rows = [
        [f"seed {seed}", *(format(result[score.key], score.format_spec) for score in shown)]
        for seed, result in zip(seeds, results, strict=True)
    ]
    rows.append([MEAN_AND_STD, *(with_std(score, mean, std) for score in shown)])
    header = ["", *(score.label for score in shown)]
    return SeedsReport(
        reports[0].recipe, list(seeds), results, mean, std, header, rows, shown, page_title(reports[0]),
        facts_of(reports[0]),
    )  # fmt: skip
