"""A cross-validation: scores of each fold, of all out-of-fold predictions together, and what their interval covers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .dot_plots import ComparedScore, dot_plots
from .fold_notes import FoldsOrigin as FoldsOrigin
from .fold_notes import fold_notes, not_learnt
from .formatting import format_interval, format_score
from .headline import headlines
from .html import framed
from .intervals import Interval
from .known_scores import known_score
from .naming import format_date, page_title, recipe_label
from .optional import Parts
from .page import Block, Section, render
from .schema import RunReport, Score
from .series import MEAN_AND_STD, facts_of, mean_and_std, scores_of_all, summary_parts, with_std
from .tables import baseline_label

_POOLED = "all predictions"
_MEAN = f"{MEAN_AND_STD} of the folds"
_ERRORS = ("mse", "mae")  # of a regression, whose declared scores are correlations
_CAPTION = (
    "Dots are scores on examples that the model was not trained on. The bar of the mean is one standard deviation of "
    "the folds, that of all predictions their 95% interval. The dotted line is at the score of all predictions, or at "
    "the mean of one that they do not have together."
)


@dataclass
class FoldsReport:
    """Scores of a cross-validation: each example is scored once, by a model that was trained without it."""

    recipe: str
    """Name of the recipe."""
    folds: int
    """Number of folds."""
    trained_on: list[int]
    """Number of examples that the model of each fold had for its training."""
    scored: list[int]
    """Number of examples of each fold."""
    results: list[dict[str, float]]
    """Scores of each fold; those that are finite in all of them."""
    mean: dict[str, float]
    """Mean of each score over the folds."""
    std: dict[str, float]
    """Sample standard deviation of each score over the folds."""
    pooled: dict[str, float]
    """Scores of the predictions of all folds together; scores that cannot be computed from these are absent."""
    intervals: dict[str, Interval]
    """95% intervals of the pooled scores over the choice of the scored examples."""
    baselines: dict[str, dict[str, float]]
    """Mean over the folds of the scores without a model, by the name of the baseline."""
    header: list[str]
    """Header of the table of scores."""
    rows: list[list[str]]
    """One row for each score: of all predictions, with interval, mean ± standard deviation of the folds, baselines."""
    fold_header: list[str]
    """Header of the table of folds."""
    fold_rows: list[list[str]]
    """One row for each fold: numbers of examples, and its scores."""
    summary: list[str]
    """What was done, and the first scores, in sentences."""
    notes: list[str]
    """What a reader should know: what the interval covers, and of the data."""
    glossary: list[Score] = field(default_factory=list)
    """The scores, in the order in which they are shown."""
    title: str = ""
    """What was done with which data."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """Model, data and date by their names."""

    @property
    def result(self) -> Mapping[str, float]:
        """The pooled scores, as of a report of one run."""
        return self.pooled

    def to_html(self) -> str:
        """Render the folds as one self-contained page, which links to the report of each."""
        names = [*(f"fold {number}" for number in range(1, self.folds + 1)), MEAN_AND_STD, _POOLED]
        meanings = [(score.label, score.description) for score in self.glossary]
        links = [
            (f"{what} of fold {number}", f"fold-{number}/{page}")
            for number in range(1, self.folds + 1)
            for what, page in (("Training", "report.html"), ("Scores", "evaluation/report.html"))
        ]
        charts = dot_plots(names, [self._compared(score) for score in self.glossary], last=True)
        sections = [
            Section("Charts", [_CAPTION], charts),
            Section("Scores", tables=[Block("", self.header, self.rows, descriptions=meanings)]),
            Section("Folds", tables=[Block("", self.fold_header, self.fold_rows)], links=links),
        ]
        return render(
            title=f"{self.title or recipe_label(self.recipe)}, {self.folds} folds", facts=self.facts,
            summary=self.summary, headlines=headlines(self), notes=self.notes, sections=sections,
        )  # fmt: skip

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, as a notebook shows it."""
        return framed(self.to_html())

    def save(self, folder: str | Path) -> None:
        """Write `folds.json`, `folds.md` and `folds.html` into `folder`, and print the table."""
        for part in self.parts(folder).values():
            part()

    def parts(self, folder: str | Path) -> Parts:
        """Return what `save` does, none of it needed by the rest."""
        title = f"{self.title or recipe_label(self.recipe)}, {self.folds} folds"
        tables = [(self.header, self.rows), (self.fold_header, self.fold_rows)]
        text = [" ".join(self.summary), "\n".join(f"- {note}" for note in self.notes)]
        return summary_parts(self, folder, "folds", title, self.to_html, tables, text)

    def _compared(self, score: Score) -> ComparedScore:
        key = score.key
        values = [*(result.get(key) for result in self.results), self.mean.get(key), self.pooled.get(key)]
        spread = (self.mean[key] - self.std[key], self.mean[key] + self.std[key]) if key in self.mean else None
        intervals = [*([None] * self.folds), spread, self.intervals.get(key)]
        return ComparedScore(score.label, score.format_spec, values, intervals)


def summarize_folds(
    origin: FoldsOrigin,
    runs: Sequence[RunReport],
    evaluations: Sequence[RunReport],
    pooled: Mapping[str, float],
    intervals: Mapping[str, Interval],
) -> FoldsReport:
    """Combine the scores of all folds.

    Args:
        origin: what was divided.
        runs: report of the training of each fold.
        evaluations: report of the scores of each fold.
        pooled: finite scores of all predictions together.
        intervals: 95% intervals of these.
    """
    units = f"{origin.unit}s"
    trained_on, scored = ([_count(report, units) for report in reports] for reports in (runs, evaluations))
    known = [*evaluations[0].glossary, *(score for score in runs[0].glossary if score.key in evaluations[0].result)]
    known += [known_score(runs[0].recipe, key) for key in _ERRORS if key in evaluations[0].result]
    known = list({score.key: score for score in known}.values())
    of_all, results = scores_of_all(known, [report.result for report in evaluations])
    mean, std = mean_and_std(results)
    glossary = [score for score in known if score in of_all or score.key in pooled]
    baselines = _mean_baselines(evaluations, glossary)
    facts = [(name, value) for name, value in facts_of(runs[0]) if name not in ("data", "finished")]
    facts += [("data", origin.name), ("finished", format_date(max(report.finished for report in runs)))]
    columns = {_POOLED: pooled} if pooled else {}
    fixed = {baseline_label(name): values for name, values in baselines.items()}
    bounds = [[format_interval(intervals.get(score.key), score.format_spec)] if pooled else [] for score in glossary]
    rows = [
        [score.label, *_cells(score, columns), *interval, with_std(score, mean, std), *_cells(score, fixed)]
        for score, interval in zip(glossary, bounds, strict=True)
    ]
    numbers = zip(evaluations, trained_on, scored, strict=True)
    fold_rows = [
        [str(number), f"{trained:,}", f"{count:,}", *(_cells(score, {"": report.result})[0] for score in glossary)]
        for number, (report, trained, count) in enumerate(numbers, start=1)
    ]
    return FoldsReport(
        recipe=runs[0].recipe,
        folds=len(runs),
        trained_on=trained_on,
        scored=scored,
        results=results,
        mean=mean,
        std=std,
        pooled=dict(pooled),
        intervals=dict(intervals),
        baselines=baselines,
        header=["score", *columns, *(["95% interval"] if pooled else []), _MEAN, *fixed],
        rows=rows,
        fold_header=["fold", "trained on", "scored", *(score.label for score in glossary)],
        fold_rows=fold_rows,
        summary=_summary(origin, glossary, trained_on, sum(scored), pooled, intervals, (mean, std)),
        notes=[
            *not_learnt(glossary, pooled, intervals, baselines),
            *fold_notes(origin, sum(scored), bool(intervals)),
            *origin.notes,
        ],
        glossary=glossary,
        title=page_title(runs[0], origin.name),
        facts=facts,
    )


def _count(report: RunReport, units: str) -> int:
    split = "train" if "train" in report.data else next(iter(report.data))
    return int(str(report.data[split].get(units) or 0))


def _cells(score: Score, columns: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Return the values of a score in several columns."""
    return [format_score(values.get(score.key), score.format_spec) for values in columns.values()]


def _mean_baselines(evaluations: Sequence[RunReport], glossary: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Return the mean over the folds of each baseline that is finite in all of them."""
    baselines = {}
    for name in evaluations[0].baselines:
        _, results = scores_of_all(glossary, [report.baselines.get(name, {}) for report in evaluations])
        baselines[name] = mean_and_std(results)[0]
    return {name: values for name, values in baselines.items() if values}


def _summary(
    origin: FoldsOrigin,
    glossary: Sequence[Score],
    trained_on: Sequence[int],
    scored: int,
    pooled: Mapping[str, float],
    intervals: Mapping[str, Interval],
    spread: tuple[Mapping[str, float], Mapping[str, float]],
) -> list[str]:
    fewest, most = min(trained_on), max(trained_on)
    numbers = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    sentences = [
        f"{len(trained_on)} folds of {origin.name}, {origin.divided_by}: each of the {scored:,} {origin.unit}s was "
        f"predicted once, by a model that was trained on {numbers} others."
    ]
    first = [score for score in glossary if score.key in intervals][:3]
    if first:
        texts = [
            f"{score.label} {pooled[score.key]:{score.format_spec}} (95% interval "
            f"{format_interval(intervals[score.key], score.format_spec)})"
            for score in first
        ]
        sentences.append(f"All predictions together: {', '.join(texts)}.")
    texts = [f"{score.label} {text}" for score in first or glossary[:3] if (text := with_std(score, *spread))]
    if texts:
        sentences.append(f"Mean ± standard deviation of the folds: {', '.join(texts)}.")
    return sentences
