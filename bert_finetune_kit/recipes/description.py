"""What a recipe writes of its run; a fault in it, such as in a recipe of a user, does not cost the report."""

from typing import Any

from ..contract import Description
from ..reporting.optional import attempt
from ..reporting.reproduce import python_code
from ..reporting.schema import RunReport
from ..runs.directory import RunDirectory
from ..training.evaluation import SavedEvaluation
from ..training.report import RunRecord, build_report, model_origin
from ..training.session import TrainingOutcome
from .hooks import RecipeHooks
from .state import Prepared

_NO_DESCRIPTION = "The report has the summary and statistics of any recipe, and no tables, since describe() failed"
_CORRECT = "Correct it, delete report.json and resume: a training that has a checkpoint of its end is not repeated."
_NO_CODE = "The report has no code that repeats the run"


def describe_run(
    recipe: RecipeHooks[Any, Any], prepared: Prepared[Any], evaluation: Any, steps: int
) -> tuple[Description, str, tuple[str, ...]]:
    """Return what `describe` does, or that of the base class where it fails; Python that repeats the run; and notes.

    Args:
        recipe: that was trained.
        prepared: its data and model.
        evaluation: of the saved weights.
        steps: of the optimizer.
    """
    facts = (prepared.data, prepared.model, evaluation, steps)
    description, notes = attempt(_NO_DESCRIPTION, lambda: recipe.describe(*facts), _CORRECT)

    def code_of_the_run() -> str:
        return python_code(type(recipe), recipe.given(), recipe.fitted_args(prepared.data).args)

    code, more_notes = attempt(_NO_CODE, code_of_the_run, "It has all settings.")
    return description or RecipeHooks.describe(recipe, *facts), code or "", (*notes, *more_notes)


def report_run(
    recipe: RecipeHooks[Any, Any],
    prepared: Prepared[Any],
    outcome: TrainingOutcome,
    saved: SavedEvaluation[Any],
    record: RunRecord,
    run: RunDirectory,
) -> RunReport:
    """Return the report of a training.

    Args:
        recipe: that was trained.
        prepared: its data and model.
        outcome: of the training.
        saved: what the saved weights score.
        record: timings, notes, evidence and fingerprint.
        run: its folder, which has the weights before and after.
    """
    with record.timings.stage("report"):
        change, notes = run.parameter_change(tuple(record.notes))
        description, code, faults = describe_run(recipe, prepared, saved.evaluation, outcome.steps)
        record.notes += [*saved.notes, *notes, *faults]
    origin = model_origin(prepared.model, recipe.checkpoint, record.fingerprint)
    settings = {"training": prepared.args.to_dict(), "model": origin}
    return build_report(recipe.name, description, saved, outcome, prepared.model, record, settings, change, code)


def describe_evaluation(
    recipe: RecipeHooks[Any, Any], data: Any, model: Any, evaluation: Any
) -> tuple[Description, tuple[str, ...]]:
    """Return what `describe` writes of an evaluation without a training, as `describe_run` does, and notes.

    Args:
        recipe: of the model.
        data: that it was evaluated on.
        model: that was evaluated.
        evaluation: what it scores.
    """
    facts = (data, model, evaluation, None)
    description, notes = attempt(_NO_DESCRIPTION, lambda: recipe.describe(*facts), "Correct it, and evaluate again.")
    return description or RecipeHooks.describe(recipe, *facts), notes
