"""`compute_metrics` of a user: scores of their own beside those of a recipe."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from transformers import EvalPrediction

from ..contract import EvaluationT, PreparedData
from ..data.files import root_cause
from ..errors import ConfigError
from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.schema import Score

OwnMetrics = Callable[[EvalPrediction], Mapping[str, Any]]
DataT = TypeVar("DataT", bound=PreparedData)


def own_scores(own: OwnMetrics | None, predict: Callable[[], EvalPrediction]) -> dict[str, float]:
    """Return the scores of a user's function as numbers by name; none without a function.

    A prefix `eval_`, which the Trainer would add, is left out.

    Args:
        own: the function.
        predict: returns what it takes, and is called only where there is a function.
    """
    if own is None:
        return {}
    return {key.removeprefix("eval_"): float(value) for key, value in own(predict()).items()}


def with_own_scores(
    evaluation: EvaluationT, data: PreparedData, own: OwnMetrics | None, predict: Callable[[str], EvalPrediction]
) -> EvaluationT:
    """Return an evaluation with the scores of a user's function for each split.

    Args:
        evaluation: of the recipe.
        data: of the run.
        own: the function.
        predict: split → what it takes.
    """
    scores = {
        data.prefix(split) + key: value
        for split in data.validation
        for key, value in own_scores(own, partial(predict, split)).items()
    }
    return replace(evaluation, scores={**evaluation.scores, **scores})


def declare_own_scores(
    data: DataT, recipe: str, own: OwnMetrics | None, trial: Callable[[str], EvalPrediction]
) -> DataT:
    """Return data whose glossary has the scores of a user's function, too.

    The function is called once for each split with made-up predictions, so that one that fails does so before anything
    is trained.

    Args:
        data: of the run.
        recipe: its name.
        own: the function; without one the data stay as they are.
        trial: split → made-up predictions for it, of the form of real ones.

    Raises:
        ConfigError: the function fails, does not return numbers by name, or a name is that of a score of the recipe.
    """
    if own is None or not data.validation:
        return data
    if not callable(own):
        raise ConfigError(f"compute_metrics is a {type(own).__name__}: give a function of an EvalPrediction.")
    several = len(data.validation) > 1
    glossary = list(data.glossary)
    for split in data.validation:
        prefix, suffix = data.prefix(split), f" ({split.removeprefix('validation_')})" if several else ""
        try:
            scores = own(trial(split))
        except Exception as error:
            raise ConfigError(
                f"compute_metrics fails for made-up predictions of the {split} split: {root_cause(error)}"
            ) from error
        taken = {*KNOWN_SCORES.get(recipe, {}), *(score.key.removeprefix(prefix) for score in data.glossary)}
        for key in _checked_names(scores, taken):
            label = key.replace("_", " ") + suffix
            glossary.append(Score(prefix + key, label, ".4f", "score of your own compute_metrics", None))
    return replace(data, glossary=tuple(glossary))


def _checked_names(scores: Any, taken: Collection[str]) -> list[str]:
    """Return the names of scores, without the prefix `eval_`."""
    if not isinstance(scores, Mapping) or not scores:
        raise ConfigError(f"compute_metrics returns {scores!r}: a dict of scores by name is needed.")
    for key, value in scores.items():
        if not isinstance(key, str) or not _is_number(value):
            raise ConfigError(
                f"compute_metrics returns {value!r} as {key!r}: each score must have a name and be a number."
            )
    names = [key.removeprefix("eval_") for key in scores]
    same = [name for name in names if name in taken]
    if same:
        raise ConfigError(
            f"compute_metrics returns {', '.join(map(repr, same))}, as scores of the recipe are called: rename it."
        )
    return names


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, str)
