"""Cross-validation: each fold is trained by a run of its own, and scored by the model that did not see it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contract import FoldedData
from ..errors import OutputError, raise_faults
from ..reporting.folds import FoldsOrigin, FoldsReport, summarize_folds
from ..reporting.numbers import is_finite_number
from ..reporting.optional import attempt
from ..reporting.plain import to_plain
from ..reporting.predictions import PREDICTIONS_FILE, read_predictions, write_predictions
from ..reporting.schema import REPORT_FILE, RunReport
from ..runs.directory import RunDirectory
from ..runs.pages import publish_summary
from ..training.saving import cache_hint
from .series import finished_runs, in_subfolder
from .state import RecipeState

EVALUATION_FOLDER = "evaluation"
NO_FOLDS = (
    "{} cannot be cross-validated: only recipes that classify or answer divide their examples into folds. Its scores "
    "are those of held-out data; train_seeds (--seeds) shows how far they depend on the seed."
)
_AGAIN = "What has finished is not trained again: repeat the call to have it."

Rows = list[dict[str, Any]]


def cross_validate(recipe: Any, folds: int, resume: bool, force: bool) -> FoldsReport:
    """Train and score each fold that has not finished, and put all scores and predictions together.

    Args:
        recipe: as it was built; its output folder gets a folder for each fold.
        folds: two or more.
        resume: whether unfinished folds may continue, and finished ones may train longer.
        force: as for `Recipe.train`; a finished fold with other settings is refused all the same.

    Raises:
        KitError: something cannot work; before any training where it can be known.
    """
    raise_faults(_faults(recipe, folds), "Cross-validation")
    recipe.check_settings()
    _check_folder(Path(recipe.output_dir))
    with recipe.args.main_process_first(), cache_hint():
        data = recipe.fold_data(folds)
    recipes = {number: recipe_of_fold(recipe, data, number) for number in range(1, folds + 1)}
    finished = finished_runs(recipes, resume, force)
    runs, evaluations, predictions = [], [], []
    for number, of_fold in recipes.items():
        run, evaluation, rows = _run(of_fold, data, number, finished.get(number), resume, force)
        runs.append(run)
        evaluations.append(evaluation)
        predictions += rows
    predictions.sort(key=lambda row: row["row"])
    (scores, bounds), faults = _pooled(data, predictions)
    origin = FoldsOrigin(
        data.name, data.unit, data.divided_by, data.has_validation, data.cluster,
        0 if data.clusters is None else len(set(data.clusters.tolist())), (*data.notes, *faults),
    )  # fmt: skip
    summary = summarize_folds(origin, runs, evaluations, scores, bounds)
    if recipe.is_main:
        fault = f"{PREDICTIONS_FILE} was not written"
        parts = {fault: lambda: write_predictions(predictions, recipe.output_dir)}
        publish_summary(parts | dict(summary.parts(recipe.output_dir)))
    return summary


def recipe_of_fold(recipe: Any, data: FoldedData, number: int) -> Any:
    """Return a recipe that trains on all folds but one, in a folder of its own, not yet prepared.

    Args:
        recipe: as it was built.
        data: its folds.
        number: of the fold, from 1.
    """
    copied = in_subfolder(recipe, f"fold-{number}")
    copied.source = data.folds[number - 1].source
    return copied


def _faults(recipe: Any, folds: int) -> list[str]:
    faults = []
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        faults.append(f"folds is {folds!r}: it must be a whole number, and at least 2")
    if recipe.args.push_to_hub:
        faults.append(
            "push_to_hub is set: the models of folds are there to be scored. Remove it, and push the model that "
            "train() makes of all data"
        )
    return faults


def _check_folder(folder: Path) -> None:
    """Check that no run has files in a folder that a cross-validation would replace."""
    run = RunDirectory(folder)
    if run.is_finished or run.has_checkpoint:
        raise OutputError(
            f"{folder} holds a training run, whose {PREDICTIONS_FILE} a cross-validation would replace: choose another "
            "output_dir."
        )


def _run(
    recipe: Any, data: FoldedData, number: int, finished: RunReport | None, resume: bool, force: bool
) -> tuple[RunReport, RunReport, Rows]:
    """Return the report of the training of a fold, the report of its scores, and its predictions."""
    fold, folder, run = data.folds[number - 1], Path(recipe.output_dir) / EVALUATION_FOLDER, finished
    if run is not None and all((folder / name).exists() for name in (REPORT_FILE, PREDICTIONS_FILE)):
        report, rows = RunReport.load(folder), read_predictions(folder)
    else:
        if run is None:
            recipe.log_main(f"Fold {number} of {len(data.folds)}: {len(fold.numbers):,} {data.unit}s are scored.")
            if recipe.is_main:  # of weights that the training is going to replace
                (folder / REPORT_FILE).unlink(missing_ok=True)
            run = recipe.train(resume, force)
        else:
            recipe.load(type(recipe).from_pretrained(recipe.output_dir, args=recipe.args).trained())
        report = recipe.evaluate(fold.rows, folder)
        rows = [{name: to_plain(value) for name, value in row.items()} for row in report.predictions()]
        recipe.state = RecipeState()  # its model and data are not needed any more
    place = {"fold": number, "split": "train"}
    return run, report, [place | row | place | {"row": int(fold.numbers[row["row"]])} for row in rows]


def _pooled(
    data: FoldedData, rows: Sequence[Mapping[str, Any]]
) -> tuple[tuple[dict[str, float], dict[str, Any]], Sequence[str]]:
    """Return the finite scores of all predictions together, their intervals, and notes."""
    pooled, faults = attempt(
        "The scores of all predictions together were not computed", lambda: data.pool(rows, data.clusters), _AGAIN
    )
    scores, bounds = pooled or ({}, {})
    return ({key: value for key, value in scores.items() if is_finite_number(value)}, dict(bounds)), faults
