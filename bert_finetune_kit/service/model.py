"""The model that is served: what it takes, how it predicts, and what is known of it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..inference.explanation import Explanation, Stop
from ..inference.occlusion import occlude
from .known import Known, known_of_export, known_of_run
from .requests import PAIR, QUESTION, TEXT, Form, Item
from .responses import answer_fields, prediction_fields

Explain = Callable[[Item, str | None, Stop], Explanation]
"""Text or pair, label or none, and whether nobody waits for it any more → explanation."""


@dataclass(frozen=True)
class ServedModel:
    """A model with all that the service needs of it."""

    name: str
    """That of its folder."""
    kind: str
    """classification or question_answering."""
    form: Form
    labels: tuple[str, ...]
    """Nothing of a regression and of question answering."""
    predict: Callable[[list[Any]], list[Any]]
    explain: Explain | None
    is_calibrated: bool
    """Whether its probabilities are calibrated, and not those of the logits."""
    known: Known

    @property
    def to_fields(self) -> Callable[[Any], dict[str, Any]]:
        """How a prediction becomes JSON."""
        return answer_fields if self.kind == "question_answering" else prediction_fields


def served_recipe(recipe: Any, run: str) -> ServedModel:
    """Return a recipe with a trained model as one that is served; explained by integrated gradients.

    Args:
        recipe: for classification or question answering.
        run: folder or Hub id that it was loaded from.
    """
    trained = recipe.trained()
    further = trained.calibration is not None and bool(trained.calibration.temperatures), known_of_run(run)
    if recipe.name == "question_answering":
        return ServedModel(Path(run).resolve().name, recipe.name, QUESTION, (), _quiet(recipe.predict), None, *further)

    def explain(item: Item, label: str | None, stop: Stop) -> Explanation:
        return recipe.explain([item], label=label, stop=stop)[0]

    form = TEXT if recipe.task.text_pair is None else PAIR
    labels = tuple(trained.usage.names)
    return ServedModel(Path(run).resolve().name, recipe.name, form, labels, _quiet(recipe.predict), explain, *further)


def served_exported(exported: Any, run: str) -> ServedModel:
    """Return an exported model as one that is served; explained by occlusion, since it has no gradients.

    Args:
        exported: as `load_exported` returns it: `predict`, `settings`, and of a classification `labels` with their
            `names`, and the `columns` of its texts.
        run: its folder.

    Raises:
        ConfigError: it neither classifies nor answers.
    """
    predict, kind = _quiet(exported.predict), exported.settings.recipe
    further = bool(exported.settings.use.get("temperatures")), known_of_export(exported.settings, run)
    if kind == "question_answering":
        return ServedModel(Path(run).resolve().name, kind, QUESTION, (), predict, None, *further)
    if kind != "classification":
        raise ConfigError(f"{run} is an exported model of {kind}: export one that classifies or answers to serve it.")

    def explain(item: Item, label: str | None, stop: Stop) -> Explanation:
        return occlude((item,) if isinstance(item, str) else item, predict, label, stop=stop)

    form = PAIR if len(exported.columns) > 1 else TEXT
    return ServedModel(Path(run).resolve().name, kind, form, tuple(exported.labels.names), predict, explain, *further)


def _quiet(predict: Callable[[list[Any]], list[Any]]) -> Callable[[list[Any]], list[Any]]:
    """Return `predict` without its warning of texts that are names of files, which no client may learn of."""

    def predict_quietly(items: list[Any]) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return predict(items)

    return predict_quietly
