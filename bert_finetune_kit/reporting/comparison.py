"""Runs side by side: their scores, whether a difference is larger than chance, and what else differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import combinations

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from ..errors import ConfigError
from .compared_labels import LabelNames, label_notes, names_by_run, with_label_names
from .compared_run import ComparedRun, RunLike, compare_pair, load_report, open_run
from .comparison_notes import baseline_notes, check_recipes, main_score, main_score_notes
from .comparison_tables import compared_scores, comparison_tables
from .difference import Difference, adjusted, difference_sentence, score_difference
from .difference import difference_interval as difference_interval
from .dot_plots import ComparedScore, dot_plots
from .markdown import markdown_table
from .naming import facts, recipe_label
from .paired_runs import PairedScores
from .pooled_report import OUT_OF_FOLD
from .run_names import distinct, run_names
from .schema import ReportTable, RunReport
from .score_kinds import kind_conflict
from .terminal import rich_table

_OF_FOLDS = (
    "The interval of a cross-validation is of the choice of its examples, not of other training data or another seed."
)


@dataclass(frozen=True)
class ReportComparison:
    """Several runs of one recipe, compared with the first of them."""

    recipe: str
    names: list[str]
    """Of the runs, in their order."""
    verdict: list[str]
    """The comparison of the main scores in sentences."""
    differences: list[Difference]
    """Of each run but the first."""
    tables: list[ReportTable]
    """Scores, settings, data, parameters and time, a column a run; a table without rows is omitted."""
    scores: list[ComparedScore] = field(default_factory=list)
    """Each score that any of the runs has."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """Model, data and date of each run by its name."""
    caption: str = (
        "Dots are the scores of the saved weights, bars their 95% intervals; the dotted line is the first run."
    )
    """Of the charts."""

    def to_markdown(self) -> str:
        """Render the comparison as Markdown."""
        parts = [f"# {self._title}", "\n".join(f"- {sentence}" for sentence in self.verdict)]
        for table in self.tables:
            parts += [f"## {table.title}", markdown_table(table.header, table.rows), *([table.note] * bool(table.note))]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Render the comparison as one self-contained page."""
        from .page import Section, block, render

        charts = [Section("Charts", [self.caption], dot_plots(self.names, self.scores))] if self.scores else []
        sections = [Section(table.title, tables=[block(table, title="")]) for table in self.tables]
        return render(title=self._title, facts=self.facts, points=self.verdict, sections=[*charts, *sections])

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = [Text("\n".join(self.verdict))]
        for table in self.tables:
            parts += [Text(), Text(table.title, style="bold"), rich_table(table.header, table.rows)]
        return Panel(Group(*parts), title=self._title, expand=False)

    def __str__(self) -> str:
        stream = StringIO()
        Console(file=stream, width=100).print(self)
        return stream.getvalue()

    @property
    def _title(self) -> str:
        return f"{recipe_label(self.recipe)}: {' vs. '.join(self.names)}"


def compare_reports(
    *runs: RunLike, names: Sequence[str] | None = None, label_names: LabelNames | None = None
) -> ReportComparison:
    """Compare runs of one recipe with the first of them.

    Where the folders of both runs have `predictions.jsonl`, they are compared on the examples that both have scored, if
    these are at least half of those of one of them: by
    McNemar's test of accuracy, and by a bootstrap of both on the same draws of other scores, over articles, documents
    or distinct texts. Of several runs the p values are adjusted (Holm 1979). Otherwise the intervals of both reports
    decide, which is less exact. Scores of different kinds are not compared.

    Args:
        runs: reports, or folders of runs or of cross-validations, which are compared by their out-of-fold predictions;
            two at least.
        names: of the runs; None for the names of their folders, as long as it takes to tell them apart.
        label_names: where runs have other names for the same labels, the name in the first run of a label of another
            one, such as `{"neg": "negative", "pos": "positive"}`.

    Raises:
        ConfigError: there are fewer than two runs, runs of several recipes, not as many names as runs, or `label_names`
            that do not make the labels of a run those of the first one.
        OutputError: a folder has no report.
    """
    if len(runs) < 2:
        raise ConfigError(f"compare_reports got {len(runs)} run(s): give two runs or more.")
    reports = [load_report(run) for run in runs]
    names = checked_names(runs, names, "compare_reports")
    single = [(name, [report]) for name, report in zip(names, reports, strict=True)]
    check_recipes(single)
    chosen = names_by_run(label_names, list(zip(names, reports, strict=True)))
    opened = [open_run(*arguments) for arguments in zip(runs, names, reports, strict=True)]
    opened = [with_label_names(run, labels, opened[0]) for run, labels in zip(opened, chosen, strict=True)]
    reports = [run.report for run in opened]
    pairs = {run.name: compare_pair(opened[0], run) for run in opened[1:]}
    paired = {name: found for name, (found, _) in pairs.items() if found is not None}
    score = main_score(reports)
    differences, verdict = [], ["No score is finite in all runs."]
    if score is None:
        verdict += main_score_notes(None, False, single) + baseline_notes(None, False, single)
    else:
        differences = adjusted([score_difference(score, opened[0], run, paired.get(run.name)) for run in opened[1:]])
        verdict = [
            difference_sentence(score, opened[0], run, difference)
            for run, difference in zip(opened[1:], differences, strict=True)
        ]
        comparable = all(difference.comparable for difference in differences)
        verdict += main_score_notes(score, comparable, single)
        verdict += label_notes(opened, chosen)
        verdict += baseline_notes(score, comparable, single)
        verdict += same_runs(opened)
        verdict += [_OF_FOLDS] * any(OUT_OF_FOLD in report.data for report in reports)
        verdict += _unpaired(opened, differences, {name: reason for name, (_, reason) in pairs.items()})
        verdict += unused_predictions(opened, " ".join(verdict))
    tables = comparison_tables(reports, names, comparable_scores(opened, paired))
    about = [(name, about_run(report)) for name, report in zip(names, reports, strict=True)]
    return ReportComparison(reports[0].recipe, names, verdict, differences, tables, compared_scores(reports), about)


def checked_names(runs: Sequence[object], names: Sequence[str] | None, function: str) -> list[str]:
    """Return the names of runs, no two alike.

    Raises:
        ConfigError: there are not as many as runs.
    """
    if names is not None and len(names) != len(runs):
        raise ConfigError(f"{function} got {len(runs)} runs and {len(names)} names: give a name for each run.")
    return distinct(names) if names is not None else run_names(runs)


def comparable_scores(runs: Sequence[ComparedRun], paired: Mapping[str, PairedScores]) -> dict[str, PairedScores]:
    """Return paired differences without those of scores that mean different things in both runs.

    Args:
        runs: the first one, and those that are compared with it.
        paired: differences by the name of the other run.
    """
    first, others = runs[0], {run.name: run for run in runs[1:]}
    kept = {}
    for name, found in paired.items():
        pair, names = (first.report, others[name].report), (first.name, name)
        same = {key: item for key, item in found.differences.items() if not kind_conflict(pair, names, key)}
        kept[name] = replace(found, differences=same)
    return kept


def _unpaired(runs: Sequence[ComparedRun], differences: Sequence[Difference], reasons: Mapping[str, str]) -> list[str]:
    """Return why runs were compared by their intervals, where their folders could have had predictions."""
    found = [
        reasons[difference.name]
        for run, difference in zip(runs[1:], differences, strict=True)
        if difference.comparable and difference.p_value is None and difference.value and reasons[run.name]
    ]
    return [f"Compared by intervals alone, which is less exact: {reason}." for reason in dict.fromkeys(found)]


def unused_predictions(runs: Sequence[ComparedRun], verdict: str = "") -> list[str]:
    """Return why saved predictions are not used, in a sentence each.

    Args:
        runs: that are compared.
        verdict: sentences that may name a fault already.
    """
    scores_by_fault = {
        run.fault: f" for the {run.unlike_labels}" if run.unlike else ""
        for run in runs
        if run.fault and run.fault not in verdict
    }
    return [f"Saved predictions are not used{scores}: {fault}." for fault, scores in scores_by_fault.items()]


def same_runs(runs: Sequence[ComparedRun]) -> list[str]:
    """Return which runs are one and the same, in a sentence each."""
    pairs = [(first, second) for first, second in combinations(runs, 2) if first.is_same(second)]
    return [
        f"{second.name} and {first.name} are the same run: between them there is nothing to compare."
        for first, second in pairs
    ]


def about_run(report: RunReport) -> str:
    """Return model, data and date of a run, as far as they are known."""
    known = dict(facts(report))
    return " · ".join(known[name] for name in ("model", "data", "finished") if name in known)
