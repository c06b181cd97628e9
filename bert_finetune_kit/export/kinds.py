"""What export asks of a recipe, by its name."""

from types import ModuleType
from typing import Any

from ..classification import export as classification
from ..errors import ConfigError
from ..pretraining import export as pretraining
from ..question_answering import export as question_answering

KINDS: dict[str, ModuleType] = {
    "classification": classification,
    "question_answering": question_answering,
    "pretraining": pretraining,
}


def kind_of(recipe: Any) -> Any:
    """Return the module with what export asks of a recipe: `use_of`, `as_trained`, `kit_outputs`, `exported_outputs`.

    Raises:
        ConfigError: the recipe has none.
    """
    if recipe.name not in KINDS:
        raise ConfigError(
            f"{type(recipe).__name__} is a recipe of your own, which has no exported form: export its model by "
            "transformers.exporters."
        )
    return KINDS[recipe.name]
