"""A score of two settings, each trained with several seeds: the difference of the means, and how far chance goes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .compared_run import ComparedRun, other_data, other_examples
from .difference import Difference, evaluation_data
from .numbers import finite_or_none
from .paired_runs import by_split, difference_of_shares, match_rows, statistics_of
from .prediction_scores import PredictionScores
from .schema import RunReport, Score
from .score_kinds import kind_conflict
from .statistics.paired import PairedDifference
from .statistics.resampling import Estimate, Statistic, estimate
from .statistics.seeds import SeedDifference, compare_means


@dataclass(frozen=True)
class Setting:
    """The runs of one setting, which differ in their seed."""

    name: str
    runs: list[ComparedRun]

    @property
    def reports(self) -> list[RunReport]:
        """The report of each run."""
        return [run.report for run in self.runs]

    def values(self, key: str) -> list[float]:
        """Return a score of each run."""
        return [float(run.report.result[key]) for run in self.runs]

    def has(self, key: str) -> bool:
        """Return whether a score is finite in all runs."""
        return all(finite_or_none(run.report.result.get(key)) is not None for run in self.runs)


@dataclass(frozen=True)
class SeedScores:
    """A score of all runs of two settings."""

    first: list[float]
    """Of each run of the first setting."""
    second: list[float]
    error: Estimate | None = None
    """How far the difference of the means depends on the examples; None where not all runs have the same ones."""
    alike: PairedDifference | None = None
    """Of a share of independent examples that all differ alike, or not at all: what two such runs have."""
    part: str = ""
    """Clause on how many examples all runs have scored, where some have scored further ones."""


def seed_difference(score: Score, first: Setting, second: Setting) -> tuple[Difference, SeedDifference, SeedScores]:
    """Return the difference of the means of a score that is finite in all runs, and of which values.

    Where neither seeds nor examples differ, a t test would have an interval without width, of which no chance is left:
    a share of independent examples has the interval of two runs then, and another score none.
    """
    sides = first.runs[0], second.runs[0]
    reason = kind_conflict((sides[0].report, sides[1].report), (first.name, second.name), score.key)
    scores = None if reason else shared_scores(score.key, first, second)
    scores = scores or SeedScores(first.values(score.key), second.values(score.key))
    error = scores.error
    seeds = compare_means(
        scores.first, scores.second,
        *((error.error, error.freedom) if error is not None and np.isfinite(error.error) else ()),
    )  # fmt: skip
    found = seeds.difference
    if not reason and seeds.example_error is None:
        is_other = evaluation_data(sides[0].report, score) != evaluation_data(sides[1].report, score)
        reason = other_examples(*sides, score.key) or other_data(sides[0].report.recipe) * is_other
    if not reason and seeds.is_without_spread:
        if scores.alike is not None:
            found = scores.alike
        elif found.value:
            same = "not all runs have saved predictions of the same examples"
            same = same if seeds.example_error is None else "the settings differ alike in all examples"
            reason = f"all seeds of a setting score the same, and {same}: nothing says how far chance goes"
    if reason or found.low == found.high:
        difference = Difference(second.name, score.key, found.value, None, not reason, reason=reason)
    else:
        difference = Difference(
            second.name, score.key, found.value, (found.low, found.high), True, found.p_value, found.method,
            found.smallest,
        )  # fmt: skip
    return difference, seeds, scores


def shared_scores(key: str, first: Setting, second: Setting) -> SeedScores | None:
    """Return a score of all runs on the examples that all have scored; None where these are too few or not known.

    Args:
        key: of a score.
        first: setting.
        second: setting of the same recipe.
    """
    runs = [*first.runs, *second.runs]
    if any(run.missing or key in run.unlike for run in runs):
        return None
    splits = [by_split(run.rows) for run in runs]
    recipe, count = first.runs[0].report.recipe, len(first.runs)
    for split in splits[0]:
        prefix = f"{split}_" if split else ""
        if not key.startswith(prefix) or not all(split in rows for rows in splits):
            continue
        matched = match_rows(recipe, [rows[split] for rows in splits])
        if matched is None:
            return None
        name, scored = key.removeprefix(prefix), statistics_of(recipe, matched)
        known: list[Statistic] = [scores.statistics[name] for scores in scored if name in scores.statistics]
        if len(known) < len(runs):
            continue
        error = estimate({key: _mean_difference(known[:count], known[count:])}, matched.units[0])[key]
        alike = _alike(name, scored[:count], scored[count:]) if matched.units[0].are_examples else None
        if max(matched.scored) == matched.examples:
            return SeedScores(first.values(key), second.values(key), error, alike)
        everything = np.ones((1, matched.units[0].count))
        values = [float(statistic(everything)[0]) for statistic in known]
        part = f" on the {matched.examples:,} examples of all runs (one has scored {max(matched.scored):,})"
        return SeedScores(values[:count], values[count:], error, alike, part)
    return None


def _alike(name: str, first: Sequence[PredictionScores], second: Sequence[PredictionScores]) -> PairedDifference | None:
    """Return the difference of a share that all examples change alike, by 0 or 1; None of others."""
    if not all(name in scores.shares for scores in (*first, *second)):
        return None
    means = [np.mean([scores.shares[name] for scores in side], axis=0) for side in (first, second)]
    apart = means[1] - means[0]
    change = np.full(len(apart), np.round(apart[0]))
    return difference_of_shares(np.zeros(len(apart)), change, first[0].scale) if np.allclose(apart, change) else None


def _mean_difference(first: Sequence[Statistic], second: Sequence[Statistic]) -> Statistic:
    def statistic(weights: np.ndarray) -> np.ndarray:
        means = [np.mean([of_seed(weights) for of_seed in side], axis=0) for side in (first, second)]
        return np.asarray(means[1] - means[0])

    return statistic
