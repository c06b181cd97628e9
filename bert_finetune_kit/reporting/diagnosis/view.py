"""What rules read of a report, whether a run made it or `diagnose_scores` did of figures given by hand."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..report import RunReport


def number(value: Any) -> float | None:
    """Return a finite number as it is, and none for all else.

    >>> number(3), number("nan"), number(None), number(True)
    (3.0, None, None, None)
    """
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None


def broken(value: Any) -> bool:
    """Return whether a value is NaN or infinite, also as JSON writes it."""
    return value in ("nan", "inf", "-inf") or (isinstance(value, float) and not math.isfinite(value))


def known(report: RunReport, name: str) -> float | None:
    """Return a number of `report.evidence`, else of the scores, else none."""
    found = number(report.evidence.get(name))
    return number(report.result.get(name)) if found is None else found


def curve(rows: Sequence[dict[str, Any]], name: str) -> np.ndarray:
    """Return the finite values of a column in the order of the rows."""
    values = [number(row.get(name)) for row in rows]
    return np.array([value for value in values if value is not None], float)


def quarters(values: np.ndarray) -> list[np.ndarray]:
    """Return four parts of a curve, the first values first; each has a value where there are four at least."""
    return np.array_split(values, 4)


def reach(report: RunReport) -> float | None:
    """Return the sum of the learning rates of all steps; none where that is not in the logs.

    A step of Adam moves a weight by about its learning rate at most (Kingma and Ba 2015, section 2.1), so this bounds
    how far a weight can have come.
    """
    total, before = 0.0, 0
    for log in report.history:
        rate, step = number(log.get("learning_rate")), number(log.get("step"))
        if rate is None or step is None:
            return None
        total += rate * (step - before if step > before else step)  # a second phase counts its steps anew
        before = int(step)
    return total if report.history else None


def setting(report: RunReport, name: str, group: str = "training") -> Any:
    """Return a setting of the run; none where it is not known."""
    return report.settings.get(group, {}).get(name)


def judged_splits(report: RunReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the splits of a classification: name, and `examples`, `scores`, `intervals`, `baseline` as far as known."""
    found = [(split, one) for split, one in report.details.items() if isinstance(one, dict) and "scores" in one]
    if found:
        yield from found
    elif report.result:
        baseline = {} if (majority := known(report, "majority")) is None else {"accuracy": majority}
        yield "validation", {"examples": known(report, "examples"), "scores": report.result, "baseline": baseline}


def reported_answers(report: RunReport) -> dict[str, Any]:
    """Return the SQuAD scores that count; where a threshold was fitted they are of the other half of the questions."""
    return report.details.get("scores", report.result)


def all_answers(report: RunReport) -> dict[str, Any]:
    """Return the figures of the official script on all questions."""
    return report.details.get("official", report.result)


def losses(report: RunReport) -> tuple[str, np.ndarray]:
    """Return the name and the values of the validation loss to follow: of pretraining that of the masked words."""
    name = "mlm_loss" if any("mlm_loss" in row for row in report.scores) else "loss"
    first = report.scores[-1].get("phase") if report.scores else None  # phases differ in length, so in loss
    return name, curve([row for row in report.scores if row.get("phase") == first], name)
