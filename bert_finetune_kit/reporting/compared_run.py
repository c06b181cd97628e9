"""A run that is compared: its name, its report, and its saved predictions as far as they are at hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import OutputError
from .paired_runs import PairedScores, other_scores, paired_scores
from .prediction_scores import SCORED_RECIPES, Row
from .predictions import PREDICTIONS_FILE, read_predictions
from .schema import RunReport

RunLike = RunReport | str | Path


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
    try:
        rows = read_predictions(folder)
        if not rows:
            return ComparedRun(name, report, missing=f"{folder} has no {PREDICTIONS_FILE}")
        unlike = frozenset(other_scores(report, rows))
    except OutputError as error:
        return ComparedRun(name, report, missing=str(error).rstrip("."))
    except (KeyError, TypeError, ValueError, IndexError) as error:  # written by another version, or by hand
        return ComparedRun(name, report, missing=f"{PREDICTIONS_FILE} of {name} is of another form ({error!r})")
    return ComparedRun(name, report, list(rows), unlike=unlike)


def _own_folder(report: RunReport) -> Path | None:
    folder = report.settings.get("training", {}).get("output_dir")
    if not isinstance(folder, str) or not report.finished:
        return None
    try:
        return Path(folder) if RunReport.load(folder).finished == report.finished else None
    except OutputError:
        return None


def run_names(runs: Sequence[object]) -> list[str]:
    """Return the names of the folders, or their paths where names repeat; what is no folder gets a number."""
    paths = [str(run) if isinstance(run, str | Path) else f"run {number}" for number, run in enumerate(runs, start=1)]
    short = [Path(path).name if isinstance(run, str | Path) else path for path, run in zip(paths, runs, strict=True)]
    return short if len(set(short)) == len(short) else paths


def share_no_text(first: ComparedRun, second: ComparedRun) -> bool:
    """Return whether two runs have scored different examples, as far as their predictions are at hand."""
    texts = [{row["text_hash"] for row in run.rows} for run in (first, second)]
    return all(texts) and not texts[0] & texts[1]


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
        return None, "they have scored too few examples in common"
    unlike = first.unlike | second.unlike
    known = (first.report.result.keys() & second.report.result.keys()) - unlike
    kept = {key: value for key, value in found.differences.items() if key in known}
    if not kept:
        return None, f"{PREDICTIONS_FILE} is not of the report that lies beside it"
    reason = f"{PREDICTIONS_FILE} gives another {', '.join(sorted(unlike))} than the report" if unlike else ""
    return replace(found, differences=kept), reason
