"""The evaluation of the weights that are saved: one step, the same for every recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, cast

from ..contract import Evaluation, EvaluationT, Outputs, PreparedData
from ..reporting.optional import attempt
from .logs import evaluations, plain_scores, saved_step
from .memory import evaluation_memory
from .peers import lost_processes_told
from .session import TrainingOutcome

Evaluate = Callable[[Any, Mapping[str, Outputs]], EvaluationT]
"""Data of the recipe, and outputs by split → evaluation."""


_LATER = "They are in the report."


@dataclass(frozen=True)
class SavedEvaluation(Generic[EvaluationT]):
    """What the saved weights score, among the evaluations of the run."""

    evaluation: EvaluationT
    rows: list[dict[str, Any]]
    """One row an evaluation: `epoch`, `step`, with several phases `phase`, and the scores."""
    result: dict[str, Any]
    """The row of the saved weights; empty where there is no validation split."""
    notes: tuple[str, ...]


def evaluate_saved(outcome: TrainingOutcome, evaluate: Evaluate[EvaluationT]) -> SavedEvaluation[EvaluationT]:
    """Evaluate the weights that a training ended with, wherever its own evaluations were made.

    Args:
        outcome: of the training.
        evaluate: data and outputs of each validation split → evaluation.
    """
    trainer, rows = outcome.trainer, evaluations(outcome.logs)
    labels = {score.key: score.label for score in outcome.data.glossary}
    step, notes = saved_step(trainer.state, trainer.args, labels)
    evaluation = evaluate_model(trainer, outcome.data, evaluate, str(trainer.args.output_dir))
    if not outcome.data.validation:
        return SavedEvaluation(evaluation, rows, {}, notes)
    phase = {"phase": outcome.logs[-1]["phase"]} if outcome.logs and "phase" in outcome.logs[-1] else {}
    place = next((place for place, row in enumerate(rows) if _is_at(row, step, phase)), None)
    if place is None:  # nothing was evaluated at that step
        row = {f"eval_{key}": value for key, value in evaluation.scores.items()}
        notes += attempt("The scores of the saved weights were not logged", lambda: trainer.log(row), _LATER)[1]
        rows.append({"epoch": trainer.state.epoch, "step": step, **phase})
        place = len(rows) - 1
    rows[place] = rows[place] | dict(evaluation.scores)
    return SavedEvaluation(evaluation, rows, rows[place], notes)


def evaluate_model(
    trainer: Any, data: PreparedData, evaluate: Evaluate[EvaluationT], run: str | None = None
) -> EvaluationT:
    """Evaluate the model of a Trainer as it is now.

    Args:
        trainer: of the model.
        data: of the recipe.
        evaluate: data and outputs of each validation split → evaluation.
        run: folder of the training that it ends; none where nothing was trained.
    """
    if not data.validation:
        return cast(EvaluationT, Evaluation(scores={}))
    with evaluation_memory(trainer.args, run), lost_processes_told(trainer.args, run):
        outputs = {split: trainer.outputs(examples) for split, examples in data.validation.items()}
    evaluation = evaluate(data, outputs)
    return replace(evaluation, scores=plain_scores(evaluation.scores))


def _is_at(row: Mapping[str, Any], step: int, phase: Mapping[str, int]) -> bool:
    return row.get("step") == step and row.get("phase") == phase.get("phase")
