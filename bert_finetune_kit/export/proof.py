"""What an exported model scores beside the model that it was made from, and whether it may be written."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..contract import Outputs, SplitOutputs
from ..errors import DataError, ExportError
from ..reporting.exported_forms import FEW_EXAMPLES
from ..reporting.paired_runs import paired_scores
from .result import Proof, counted

FP32_TOLERANCE = 1e-4
"""Largest difference of logits, of those above 1 as a share of the largest one."""
INT8_TOLERANCE = 0.5
"""Points of the main score that may be lost."""
VALIDATION = "validation split"
"""What the examples of a proof are called, where no others are given."""
_MAIN = {
    "classification": ("accuracy", "f1_micro", "pearson"),
    "question_answering": ("f1",),
    "pretraining": ("mlm_accuracy",),
}
_POINTS = {"question_answering": 1.0}  # scores of the others are from 0 to 1


@dataclass(frozen=True)
class Scored:
    """A model on the validation splits."""

    logits: np.ndarray
    """Of all splits."""
    decisions: list[Any]
    """As in `SplitOutputs`."""
    rows: list[Mapping[str, Any]]
    """One row an example, as `predictions.jsonl` has them."""
    scores: Mapping[str, float]
    seconds: float
    outputs: Mapping[str, Outputs] = field(default_factory=dict)
    """By split, as `RecipeHooks.evaluation` takes them."""

    @property
    def per_second(self) -> float:
        """Examples a second."""
        return len(self.rows) / max(self.seconds, 1e-9)


def score(recipe: Any, data: Any, run: Callable[[], Mapping[str, SplitOutputs]]) -> Scored:
    """Return what a model scores.

    Args:
        recipe: whose hook scores it.
        data: of the validation splits.
        run: returns what the model says of them.
    """
    started = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - started
    outputs = {split: part.outputs for split, part in found.items()}
    evaluation = recipe.evaluation(data, outputs)
    return Scored(
        np.concatenate([part.logits for part in found.values()]),
        [decision for part in found.values() for decision in part.decisions],
        [dict(row) for row in evaluation.predictions()],
        dict(evaluation.scores),
        seconds,
        outputs,
    )


def prove(
    recipe: str, method: str, before: Scored, after: Scored, best_metric: str | None, tolerance: float,
    sizes: tuple[int, int], proven_on: str = VALIDATION, threads: int | None = None,
) -> Proof:  # fmt: skip
    """Compare an exported model with the model that it was made from.

    Args:
        recipe: name of the recipe.
        method: how it was made.
        before: the model in the kit.
        after: the exported one.
        best_metric: score that the best checkpoint was chosen by; it decides where it is one of shares.
        tolerance: of logits for `fp32`, else points of the main score.
        sizes: bytes before and after.
        proven_on: what the examples are.
        threads: of the exported model.

    Raises:
        ExportError: examples were not scored, so that there is no proof.
    """
    check_scored(before, after)
    main = main_score(recipe, before.scores, best_metric)
    scores = _score_table(recipe, before, after)
    finite = np.isfinite(before.logits)
    differences = np.abs(after.logits[finite].astype(np.float64) - before.logits[finite])
    largest = float(differences.max(initial=0.0))
    scale = max(1.0, float(np.abs(before.logits[finite]).max(initial=0.0)))
    allowed = scale * (tolerance if method == "fp32" else FP32_TOLERANCE)
    equal = _equal(before, after, allowed)
    row, points = scores[main], _POINTS.get(recipe, 100.0)
    lost = points * ((row["before"] or 0.0) - (row["after"] or 0.0))
    interval = None
    if row.get("low") is not None and row.get("high") is not None:
        low, high = (0.0 - points * float(row[name] or 0.0) for name in ("high", "low"))
        interval = (low, high)
    faults = [] if np.isfinite(after.logits[finite]).all() else ["some of its logits are not finite"]
    if method == "fp32":
        if not largest <= allowed:
            faults.append(f"a logit differs by {largest:.3g}, and {allowed:.3g} is allowed")
        if equal < 1:
            faults.append(f"{1 - equal:.2%} of its predictions are others")
    elif not lost <= tolerance + 1e-9:  # which is of a difference of two rounded numbers
        shown = "" if interval is None else f" (95% interval {interval[0]:.2f} to {interval[1]:.2f})"
        faults.append(f"{lost:.2f} points of {main} are lost{shown}, and {tolerance:g} are allowed")
    return Proof(
        method, main, largest, float(differences.mean()) if len(differences) else 0.0, equal, lost, interval, scores,
        tuple(faults), proven_on, len(before.rows), sizes[1], sizes[0], after.per_second, before.per_second, threads,
        few_notes(len(before.rows)),
    )  # fmt: skip


def check_scored(before: Scored, after: Scored) -> None:
    """Check that both models have scored the same examples, and all of them.

    Raises:
        ExportError: one has not.
    """
    missing = int(np.isnan(before.logits).sum())
    counts = [(len(scored.rows), scored.logits.size, len(scored.decisions)) for scored in (before, after)]
    if not before.rows or not before.logits.size or missing or counts[0] != counts[1]:
        raise ExportError(
            f"The export is refused, since not all examples were scored: {counted(len(before.rows), 'example')} by the "
            f"model in the kit, with {counted(missing, 'logit')} missing or NaN, and {len(after.rows):,} by the "
            "exported one. Give other examples, data=; where the model itself predicts NaN, train it anew."
        )


def check_enough(examples: int) -> None:
    """Check that there are enough examples to prove int8 on, whose score decides.

    Raises:
        DataError: there are not.
    """
    if examples < FEW_EXAMPLES:
        raise DataError(
            f"int8 is proven by its score, and {counted(examples, 'example')} can show none: at least {FEW_EXAMPLES} "
            "are needed. Give more with labels or answers, data='more.csv' (--data more.csv), or leave quantize out: "
            "fp32 is proven by its logits."
        )


def few_notes(examples: int) -> tuple[str, ...]:
    """Return a warning where the scores of a proof show nothing."""
    if examples >= FEW_EXAMPLES:
        return ()
    return (
        f"Warning: logits and predictions of {counted(examples, 'example')} were compared, and scores of fewer than "
        f"{FEW_EXAMPLES} show nothing. Prove it on more: data='more.csv' (--data more.csv).",
    )


def main_score(recipe: str, scores: Mapping[str, float], best_metric: str | None) -> str:
    """Return the key of the score that decides: the metric of the run where more of it is better, else a usual one.

    Raises:
        DataError: none of them is defined on the examples.
    """
    usual = _MAIN[recipe]
    scores = {key: value for key, value in scores.items() if np.isfinite(value)}
    known = [key for name in usual for key in scores if key == name or key.endswith(f"_{name}")]
    if not known:
        raise DataError(f"The examples leave {usual[-1]} undefined, by which an export is proven: give others, data=.")
    shares = (*usual, "f1", "f1_macro", "f1_weighted", "matthews", "spearman")
    if best_metric in scores and any(best_metric == name or str(best_metric).endswith(f"_{name}") for name in shares):
        return str(best_metric)
    return known[0]


def _equal(before: Scored, after: Scored, allowed: float) -> float:
    if not before.decisions:  # of a regression
        return float((np.abs(before.logits - after.logits) <= allowed).mean())
    return float(np.mean([first == second for first, second in zip(before.decisions, after.decisions, strict=True)]))


def _score_table(recipe: str, before: Scored, after: Scored) -> dict[str, dict[str, float | None]]:
    paired = paired_scores(recipe, before.rows, after.rows)
    differences = {} if paired is None else paired.differences
    table: dict[str, dict[str, float | None]] = {}
    for key, value in before.scores.items():
        table[key] = {"before": float(value), "after": float(after.scores.get(key, np.nan))}
        if key in differences:
            found = differences[key]
            table[key] |= {"difference": found.value, "low": found.low, "high": found.high}
    return table
