"""What a recipe writes of its run; a fault in it, such as in a recipe of a user, does not cost the report."""

from typing import Any

from ..contract import Description
from ..reporting.optional import attempt
from ..reporting.reproduce import python_code
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
    code, more_notes = attempt(
        _NO_CODE, lambda: python_code(type(recipe), recipe.given(), recipe.args), "It has all settings."
    )
    return description or RecipeHooks.describe(recipe, *facts), code or "", (*notes, *more_notes)
