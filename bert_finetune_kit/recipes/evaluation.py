"""A trained model and data → the report of an evaluation."""

from datetime import UTC, datetime
from typing import Any, cast

from ..contract import Evaluation, PreparedData
from ..modeling.parameters import parameter_report
from ..reporting.diagnosis.diagnose import diagnose
from ..reporting.diagnosis.registry import rules_for
from ..reporting.evaluation import EVALUATION, EvaluationReport
from ..reporting.records import Evidence, ParameterTree
from ..reporting.schema import ScoreRow
from ..runs.fingerprint import data_fingerprint
from ..training.saving import cache_hint
from .description import describe_evaluation
from .hooks import RecipeHooks
from .state import LoadedModel
from .trained import TrainedRecipe

_SHOWN = ("per_device_eval_batch_size", "world_size", "device", "bf16_full_eval", "fp16_full_eval")


def data_to_evaluate(recipe: RecipeHooks[Any, Any], given: Any, trained: LoadedModel) -> Any:
    """Return given examples as the data of an evaluation; the first of several processes fills the caches.

    Args:
        recipe: whose hook reads them.
        given: as the recipe's source takes it.
        trained: the model.
    """
    prepared = recipe.state.prepared if recipe.state.loaded is None else None
    with recipe.args.main_process_first(), cache_hint():
        return recipe.evaluation_data(given, trained, None if prepared is None else prepared.data)


def evaluation_report(
    recipe: TrainedRecipe[Any, Any], model: Any, data: PreparedData, evaluation: Evaluation, given: bool, seconds: float
) -> EvaluationReport:
    """Put together what a model scores on its data, and diagnose it.

    Args:
        recipe: of the model.
        model: that was evaluated.
        data: that it was evaluated on.
        evaluation: what it scores.
        given: whether the data are others than those of the recipe.
        seconds: that the evaluation took.
    """
    description, notes = describe_evaluation(recipe, data, model, evaluation)
    settings = {name: dict(group) for name, group in description.settings.items()}
    if given:  # the settings of the recipe are those of its training data
        settings["source"] = {"name": data.name}
    settings[EVALUATION] = {"model": recipe.model_folder, "data": data.name, "splits": list(data.validation)}
    settings[EVALUATION] |= {name: str(getattr(recipe.args, name)) for name in _SHOWN}
    digests = data_fingerprint([], data.validation)
    row: ScoreRow = dict(evaluation.scores)
    report = EvaluationReport(
        recipe=recipe.name,
        summary=list(description.summary),
        scores=[row] if row else [],
        result=row,
        baselines={name: dict(scores) for name, scores in evaluation.baselines.items()},
        glossary=list(data.glossary),
        data={split: dict(statistics) for split, statistics in description.data.items()},
        history=[],
        parameters=cast(ParameterTree, parameter_report(model).folded().to_dict()),
        settings=settings,
        timings={"evaluation": round(seconds, 2)},
        tables=list(description.tables),
        details=dict(evaluation.details),
        evidence=cast(Evidence, {**description.evidence, **evaluation.evidence, "rules": len(rules_for(recipe.name))}),
        intervals=dict(evaluation.intervals),
        fingerprint={name: digests[name] for name in (f"{split} data" for split in data.validation)},
        notes=[*data.notes, *notes],
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        predictions=evaluation.predictions,
    )
    report.findings = diagnose(report)
    return report
