"""Prepared data, training and evaluation → the report of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from ..contract import BuiltModel, Description
from ..modeling.initialization import count_initialized_layers
from ..modeling.parameters import parameter_report
from ..reporting.diagnosis.diagnose import diagnose
from ..reporting.diagnosis.registry import rules_for
from ..reporting.origin import hub_id
from ..reporting.records import Evidence, LogRow, ParameterTree, WeightChange
from ..reporting.schema import RunReport
from .compilations import Compilations, count_compilations
from .evaluation import SavedEvaluation
from .session import TrainingOutcome
from .timing import Timings


@dataclass
class RunRecord:
    """What accumulates during one run."""

    timings: Timings
    compiled: Compilations
    """Graphs that had been compiled before the run, on XLA."""
    on_xla: bool = False
    notes: list[str] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    fingerprint: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(cls, on_xla: bool) -> "RunRecord":
        """Begin to measure."""
        return cls(Timings(), count_compilations() if on_xla else Compilations(), on_xla)


def model_origin(model: Any, checkpoint: str | None, fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the type of a model, and where it comes from: `from_scratch`, `hub_id` and `sha256` of local weights.

    Args:
        model: any module; its config has its type.
        checkpoint: Hub id or folder; none where the weights are new.
        fingerprint: of the run, which has the digest of local weights.
    """
    kind = {"model_type": getattr(getattr(model, "config", None), "model_type", None)}
    if checkpoint is None:
        return {**kind, "from_scratch": True, "hub_id": None, "sha256": None}
    return {**kind, "from_scratch": False, "hub_id": hub_id(checkpoint), "sha256": fingerprint.get("model.sha256")}


def initial_evidence(built: BuiltModel, checkpoint: str | None) -> dict[str, Any]:
    """Return what the diagnosis needs to know of the weights that a training starts from."""
    return {
        **count_initialized_layers(built.model),
        "from_checkpoint": checkpoint is not None,
        "newly_initialized": list(built.new_parts),
    }


def build_report(
    recipe: str,
    description: Description,
    saved: SavedEvaluation[Any],
    outcome: TrainingOutcome,
    model: Any,
    record: RunRecord,
    settings: Mapping[str, Mapping[str, Any]],
    change: dict[str, Any],
    reproduce: str,
) -> RunReport:
    """Put together what is known of a run, and diagnose it.

    Args:
        recipe: its name.
        description: what the recipe writes of the run.
        saved: scores of the saved weights.
        outcome: of the training.
        model: as it was trained.
        record: timings, notes, evidence and fingerprint.
        settings: by group, beside those of the description.
        change: of the parameters, as plain data.
        reproduce: Python that repeats the run.
    """
    evaluation = saved.evaluation
    groups = {**settings, **description.settings}
    timings = record.timings.rounded()
    if record.on_xla:
        compiled = count_compilations().since(record.compiled)
        record.notes.append(str(compiled))
        timings["compiling, within the others"] = round(compiled.seconds, 2)
    report = RunReport(
        recipe=recipe,
        summary=list(description.summary),
        scores=saved.rows,
        result=saved.result,
        baselines={name: dict(scores) for name, scores in evaluation.baselines.items()},
        glossary=list(outcome.data.glossary),
        data={split: dict(statistics) for split, statistics in description.data.items()},
        history=[cast(LogRow, log) for log in outcome.logs if "loss" in log],
        schedule=[cast(LogRow, row) for row in outcome.schedule],
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        parameters=cast(ParameterTree, parameter_report(model).folded().to_dict()),
        settings={group: {**description.settings.get(group, {}), **settings.get(group, {})} for group in groups},
        timings=timings,
        tables=list(description.tables),
        details=dict(evaluation.details),
        evidence=cast(
            Evidence,
            {**record.evidence, **description.evidence, **evaluation.evidence, "rules": len(rules_for(recipe))},
        ),
        intervals=dict(evaluation.intervals),
        reproduce=reproduce,
        change=cast(WeightChange, change),
        notes=record.notes,
        fingerprint=record.fingerprint,
    )
    report.findings = diagnose(report)
    return report
