"""A run that is compared: its name, its report, and its saved predictions as far as they are at hand."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ..errors import ConfigError, OutputError
from .paired_runs import LEAST_SHARE, PairedScores, by_split, common_rows, paired_scores, scores_alike
from .pooled_report import OUT_OF_FOLD, is_cross_validation, pooled_report
from .prediction_rows import row_check
from .prediction_scores import SCORED_RECIPES, Row, usable_rows
from .predictions import PREDICTIONS_FILE, read_predictions
from .schema import RunReport

RunLike = RunReport | str | Path
# Statistic of a split, by recipe, of which there is a prediction each.
_PREDICTED = {"classification": "examples", "question_answering": "questions", "pretraining": "examples_per_epoch"}


def other_data(recipe: str) -> str:
    """Return that scores are of other data, as why they are not compared; only a perplexity depends on the vocabulary.

    >>> other_data("classification")
    'the evaluation data differ'
    """
    return f"the evaluation data {'or the vocabulary ' if recipe == 'pretraining' else ''}differ"


@dataclass(frozen=True)
class ComparedRun:
    """A run, and its predictions."""

    name: str
    report: RunReport
    rows: list[Row] = field(default_factory=list)
    """One for each example; none where they are not at hand."""
    missing: str = ""
    """Why there are none."""
    unlike: frozenset[str] = frozenset()
    """Keys of scores that the report has another value of."""
    is_damaged: bool = False
    """Whether its folder has predictions that cannot be used."""

    @property
    def fault(self) -> str:
        """Why predictions that are there are not used for all scores; empty where they are, or there are none."""
        if self.unlike:
            return f"{PREDICTIONS_FILE} of {self.name} gives another {self.unlike_labels} than its report"
        return self.missing if self.is_damaged else ""

    @property
    def unlike_labels(self) -> str:
        """Names of the scores that the report has another value of; empty where there are none."""
        return _labels(self.report, self.unlike)

    def is_same(self, other: "ComparedRun") -> bool:
        """Return whether two runs are one, given twice or copied."""
        first, second = self.report, other.report
        if first is second:
            return True
        copied = first.finished == second.finished and first.result == second.result
        return bool(first.finished) and copied and first.fingerprint == second.fingerprint


def open_run(run: RunLike, name: str, report: RunReport) -> ComparedRun:
    """Return a run with its predictions, those of its folder.

    Args:
        run: as it was given; of a report, the folder of the run is used as long as it has the same report.
        name: of the run.
        report: of the run.
    """
    if report.recipe not in SCORED_RECIPES:
        return ComparedRun(name, report, missing=f"predictions of {report.recipe} are not known to the kit")
    folder = _own_folder(run) if isinstance(run, RunReport) else Path(run)
    if folder is None:
        return ComparedRun(name, report, missing=f"the folder of {name} is not known: give the folder")
    damaged = partial(ComparedRun, name, report, is_damaged=True)
    try:
        rows = read_predictions(folder, row_check(report))
        if rows is None:
            return ComparedRun(name, report, missing=f"{folder} has no {PREDICTIONS_FILE}")
        if not rows:
            return damaged(missing=f"{folder / PREDICTIONS_FILE} is empty")
        if other := other_count(report, rows):
            return damaged(missing=f"{PREDICTIONS_FILE} of {name} has {other}")
        if not usable_rows(report.recipe, rows):
            return damaged(missing=f"{PREDICTIONS_FILE} of {name} has no usable predictions")
        alike = scores_alike(report, rows)
    except OutputError as error:
        return damaged(missing=str(error).rstrip("."))
    except (KeyError, TypeError, ValueError, IndexError):  # rows that are valid by themselves, of several forms
        return damaged(missing=f"{PREDICTIONS_FILE} of {name} is of another form: its lines do not fit together")
    unlike = frozenset(key for key, is_alike in alike.items() if not is_alike)
    if unlike and not any(alike.values()):
        return damaged(
            missing=f"{PREDICTIONS_FILE} of {name} gives another {_labels(report, unlike)} than its report, and is not "
            "of the report that lies beside it"
        )
    return ComparedRun(name, report, list(rows), unlike=unlike)


def _labels(report: RunReport, keys: Collection[str]) -> str:
    """Return the names of scores, in the order of the report."""
    label_of = {score.key: score.label for score in report.glossary}
    return ", ".join(label_of.get(key, key.replace("_", " ")) for key in report.result if key in keys)


def other_count(report: RunReport, rows: Sequence[Row]) -> str:
    """Return how many predictions of which split there are, where the report has scored another number of examples.

    Empty where there are as many, or it is not known: of splits of other names, and of a pretraining in phases, whose
    statistics are not of the examples of the last phase.
    """
    if any("phase" in row for row in report.scores):
        return ""
    saved = Counter(str(row.get("split")) for row in rows)
    splits = {split: values.get(_PREDICTED[report.recipe]) for split, values in report.data.items() if split != "train"}
    if OUT_OF_FOLD in report.data:  # predictions have the name of the split that was divided
        saved, splits = Counter({OUT_OF_FOLD: len(rows)}), {OUT_OF_FOLD: report.data[OUT_OF_FOLD].get("examples")}
    for split, scored in splits.items() if splits.keys() & saved.keys() else ():
        if isinstance(scored, int) and saved[split] != scored:
            return f"{saved[split]:,} predictions of {split}, and its report has scored {scored:,} examples"
    return ""


def load_report(run: RunLike) -> RunReport:
    """Return the report of a run; of a cross-validation, of its out-of-fold predictions.

    Args:
        run: a report, or the folder of a run or of a cross-validation.

    Raises:
        ConfigError: it is neither.
        OutputError: the folder has no report.
    """
    if isinstance(run, RunReport):
        return run
    if not isinstance(run, str | Path):
        raise ConfigError(
            f"{type(run).__name__} cannot be compared: give the report of a run, or the folder of a run or of a "
            "cross-validation."
        )
    return pooled_report(run) if is_cross_validation(run) else RunReport.load(run)


def _own_folder(report: RunReport) -> Path | None:
    folder = report.settings.get("training", {}).get("output_dir")
    if not isinstance(folder, str) or not report.finished:
        return None
    try:
        return Path(folder) if RunReport.load(folder).finished == report.finished else None
    except OutputError:
        return None


def other_examples(first: ComparedRun, second: ComparedRun, key: str) -> str:
    """Return why two runs have not been scored on the same examples; empty where most are, or where it is not known.

    Args:
        first: run.
        second: run of the same recipe.
        key: of the score that is compared; predictions that give another one may be those of another run.
    """
    if not first.rows or not second.rows or key in first.unlike | second.unlike:
        return ""
    splits = [by_split(run.rows) for run in (first, second)]
    pairs = [[rows[split] for rows in splits] for split in splits[0] if split in splits[1]]
    found = [common_rows(first.report.recipe, pair) for pair in pairs]
    if any(matched.share >= LEAST_SHARE for matched in found):
        return ""
    shared = sum(matched.examples for matched in found)
    if not shared:
        return other_data(first.report.recipe)
    counts = [sum(matched.scored[number] for matched in found) for number in (0, 1)]
    return (
        f"only {shared:,} of the {counts[0]:,} examples of {first.name} and the {counts[1]:,} of {second.name} are the "
        "same"
    )


def compare_pair(first: ComparedRun, second: ComparedRun) -> tuple[PairedScores | None, str]:
    """Return the differences on the examples that both have scored, and why there are none.

    Args:
        first: run.
        second: run of the same recipe.
    """
    missing = first.missing or second.missing
    if missing:
        return None, missing
    if ("probabilities" in first.rows[0]) != ("probabilities" in second.rows[0]):
        return None, "their predictions are of different kinds"
    found = paired_scores(first.report.recipe, first.rows, second.rows)
    if found is None:
        return None, first.fault or second.fault or "they have scored too few examples in common"
    unlike = first.unlike | second.unlike
    known = (first.report.result.keys() & second.report.result.keys()) - unlike
    kept = {key: value for key, value in found.differences.items() if key in known}
    if not kept:
        return None, f"{PREDICTIONS_FILE} is not of the report that lies beside it"
    return replace(found, differences=kept), first.fault or second.fault
