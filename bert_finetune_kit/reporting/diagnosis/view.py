"""What rules read of a report, both of a run and of scores given to `diagnose_scores`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from ..details import ClassificationDetails, classification_details, question_answering_details
from ..numbers import finite_or_none
from ..schema import RunReport, ScoreRow

MIN_EXAMPLES = 20
"""From so many examples on, rules speak that estimate a share or a mean: of 20 examples, the 95% interval of a share is
up to 40 points wide."""

CORRELATIONS = ("matthews", "pearson", "spearman")
"""Scores of a classification from -1 to 1, undefined where all predictions, or all references, are equal."""


def is_table(report: RunReport) -> bool:
    """Return whether a report holds given scores alone: what was trained, and which weights were saved, is unknown."""
    return not report.data and not report.settings.get("training")


def too_few(*counts: float | None) -> bool:
    """Return whether there are too few examples for a rule to speak; counts that are not known do not tell."""
    return any(count is not None and count < MIN_EXAMPLES for count in counts)


def from_checkpoint(report: RunReport, advice: str) -> list[str]:
    """Return the advice to start from a checkpoint, if that was not done."""
    return [] if report.model.get("from_scratch") is False else [advice]


def validation_examples(report: RunReport) -> float | None:
    """Return the number of examples of the smallest validation split; None where it is not known."""
    names = ("examples", "questions", "examples_per_epoch")
    counts = [
        count
        for split in report.data
        for name in names
        if split != "train" and (count := statistic(report, split, name)) is not None
    ]
    return min(counts) if counts else finite_or_none(report.evidence.get("examples"))


def measured(report: RunReport, name: str) -> float | None:
    """Return a finite number of the evidence, else of the scores, else None."""
    value = finite_or_none(cast("Mapping[str, object]", report.evidence).get(name))
    return finite_or_none(report.result.get(name)) if value is None else value


def statistic(report: RunReport, split: str, name: str) -> float | None:
    """Return a finite statistic of a split, else None."""
    return finite_or_none(report.data.get(split, {}).get(name))


def statistics(report: RunReport, name: str) -> dict[str, float]:
    """Return a statistic of every split that has it."""
    values = ((split, finite_or_none(values.get(name))) for split, values in report.data.items())
    return {split: value for split, value in values if value is not None}


def setting(report: RunReport, name: str, group: str = "training") -> object:
    """Return a setting of the run; None where it is unknown."""
    return report.settings.get(group, {}).get(name)


def curve(rows: Sequence[Mapping[str, object]], name: str) -> np.ndarray:
    """Return the finite values of a column in the order of the rows, (values,)."""
    values = [finite_or_none(row.get(name)) for row in rows]
    return np.array([value for value in values if value is not None], float)


def moment(row: Mapping[str, object]) -> str:
    """Return when an evaluation or a log was made; empty where it is not known.

    >>> moment({"phase": 2, "step": 1200}), moment({"epoch": 1.5}), moment({"loss": 0.5})
    ('at step 1,200 of phase 2', 'at epoch 1.5', '')
    """
    name = next((name for name in ("step", "epoch") if name in row), None)
    if name is None:
        return ""
    value = row[name]
    of_phase = f" of phase {row['phase']}" if "phase" in row else ""
    return f"at {name} {f'{value:,}' if isinstance(value, int | float) else value}{of_phase}"


def quarters(values: np.ndarray) -> list[np.ndarray]:
    """Return four consecutive parts of a curve; none of them is empty where there are four values."""
    return np.array_split(values, 4)


def cumulative_lr(report: RunReport) -> float | None:
    """Return the sum of the learning rates of all steps; None where the logs do not have them.

    A step of Adam changes a weight by at most about the learning rate (Kingma and Ba 2015, section 2.1), so this bounds
    the change of a weight.
    """
    total, before = 0.0, 0.0
    for log in report.history:
        rate, step = finite_or_none(log.get("learning_rate")), finite_or_none(log.get("step"))
        if rate is None or step is None:
            return None
        total += rate * (step - before if step > before else step)  # the steps of a second phase begin at 0
        before = step
    return total if report.history else None


def peak_lr(report: RunReport) -> float:
    """Return the highest logged learning rate."""
    return max((finite_or_none(log.get("learning_rate")) or 0.0) for log in report.history)


def validation_loss(report: RunReport) -> tuple[str, np.ndarray]:
    """Return key and values of the validation loss: of a pretraining the MLM loss, of the last phase alone."""
    key = "mlm_loss" if any("mlm_loss" in row for row in report.scores) else "loss"
    return key, curve(last_phase(report), key)


def last_phase(report: RunReport) -> list[ScoreRow]:
    """Return the evaluations of the last phase: phases differ in the length of examples, and so in the loss."""
    return [row for row in report.scores if row.get("phase") == report.scores[-1].get("phase")]


def scored_splits(report: RunReport) -> Iterator[tuple[str, ClassificationDetails]]:
    """Yield the splits of a classification; for scores alone one split, with what is known of it."""
    splits = classification_details(report.details)
    if splits:
        yield from splits.items()
    elif report.result:
        majority, examples = measured(report, "majority"), measured(report, "examples")
        split: ClassificationDetails = {"scores": cast("dict[str, float]", report.result)}
        if majority is not None:
            split["baseline"] = {"accuracy": majority}
        if examples is not None:
            split["examples"] = int(examples)
        yield "validation", split


def scored_answers(report: RunReport) -> Mapping[str, object]:
    """Return the SQuAD scores of the scored questions: where a threshold was fitted, of the other half."""
    return question_answering_details(report.details).get("scores") or report.result


def all_answers(report: RunReport) -> Mapping[str, object]:
    """Return the figures of the official SQuAD script on all questions."""
    return question_answering_details(report.details).get("official") or report.result
