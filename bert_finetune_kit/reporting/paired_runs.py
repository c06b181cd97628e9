"""The saved predictions of two runs: the examples that both have scored, and the differences on these."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data.clusters import cluster_numbers
from .numbers import is_finite_number
from .prediction_scores import PredictionScores, Row, prediction_scores, usable_rows
from .schema import RunReport
from .statistics.clusters import LEAST_CLUSTERS, Units, single_units
from .statistics.paired import PairedDifference, compare_shares, compare_statistics
from .statistics.resampling import Statistic, difference

Rows = list[Row]
LEAST_SHARE = 0.5
"""Of the examples of the run that has scored the fewest, which the other runs must have scored, too. A convention: what
is compared is then most of what one of the scores is of."""


@dataclass(frozen=True)
class MatchedRows:
    """Predictions of several runs for the same examples of a split."""

    runs: list[Rows]
    """Of each run; example by example in the same order, except in pretraining, where only documents are the same."""
    units: list[Units]
    """Of the rows of each run; the same units in all."""
    examples: int
    """Number of these; in pretraining, of documents."""
    scored: list[int]
    """Number of all examples of each run that a score is of."""

    @property
    def share(self) -> float:
        """Share of the examples that all have scored, of the run that has scored the fewest."""
        return self.examples / max(min(self.scored), 1)


@dataclass(frozen=True)
class PairedScores:
    """Differences of two runs on the same examples."""

    differences: Mapping[str, PairedDifference]
    """By the key of the score."""
    values: Mapping[str, tuple[float, float]]
    """Scores of both runs on these examples, by key."""
    examples: int
    scored: tuple[int, int]
    """Number of all examples of each run, in the splits that are compared."""
    changed: list[tuple[Row, Row]]
    """Predictions of both runs that differ in how good they are, the largest difference first; not in pretraining."""
    only_first: int
    """Examples that the first run does better."""
    only_second: int


def by_split(rows: Sequence[Row]) -> dict[str, Rows]:
    """Return rows by split; where there is one, its name is empty, so that a file can be compared with a split."""
    splits: dict[str, Rows] = {}
    for row in rows:
        splits.setdefault(str(row.get("split", "")), []).append(row)
    return {"": next(iter(splits.values()))} if len(splits) == 1 else splits


def match_rows(recipe: str, runs: Sequence[Sequence[Row]]) -> MatchedRows | None:
    """Return the examples of a split that all runs have scored; None where they are too few, see `common_rows`.

    Args:
        recipe: name of the recipe.
        runs: rows of each run.
    """
    matched = common_rows(recipe, runs)
    enough = matched.share >= LEAST_SHARE and matched.examples and matched.units[0].count >= LEAST_CLUSTERS
    return matched if enough else None


def common_rows(recipe: str, runs: Sequence[Sequence[Row]]) -> MatchedRows:
    """Return the examples of a split that all runs have scored, however few.

    An example is known by its texts and its reference, and one that repeats by its place among its likes. In
    pretraining a document is known by its tokens: runs may have masked other words of it.

    Args:
        recipe: name of the recipe.
        runs: rows of each run.
    """
    usable = [usable_rows(recipe, rows) for rows in runs]
    if recipe == "pretraining":
        common = set.intersection(*({row["text_hash"] for row in rows} for rows in usable))
        kept = [[row for row in rows if row["text_hash"] in common] for rows in usable]
        number_of = {name: number for number, name in enumerate(sorted(common))}
        units = [Units("documents", np.array([number_of[row["text_hash"]] for row in rows], int)) for rows in kept]
        scored = [len({row["text_hash"] for row in rows}) for rows in usable]
        return MatchedRows(kept, units, len(common), scored)
    keyed = [dict(zip(_keys(rows), rows, strict=True)) for rows in usable]
    common_keys = [key for key in keyed[0] if all(key in rows for rows in keyed[1:])]
    kept = [[rows[key] for key in common_keys] for rows in keyed]
    units = [units_of(recipe, kept[0])] * len(runs)
    return MatchedRows(kept, units, len(common_keys), [len(rows) for rows in usable])


def _keys(rows: Sequence[Row]) -> list[tuple[str, str, int]]:
    seen: Counter[tuple[str, str]] = Counter()
    keys = []
    for row in rows:
        key = (row["text_hash"], json.dumps(row.get("reference"), sort_keys=True))
        keys.append((*key, seen[key]))
        seen[key] += 1
    return keys


def units_of(recipe: str, rows: Sequence[Row]) -> Units:
    """Return which rows are independent of each other, as the intervals of a report have it."""
    texts = [row["text_hash"] for row in rows]
    if recipe == "pretraining":
        return Units("documents", cluster_numbers(texts))
    if recipe == "classification":
        groups = [[row["group"] for row in rows]] if rows and all("group" in row for row in rows) else []
        units = Units("groups" if groups else "distinct texts", cluster_numbers(*groups, texts))
        return single_units(len(rows)) if units.are_examples else units
    contexts = [row.get("context_hash", row["text_hash"]) for row in rows]
    passages = [row.get("group") or context for row, context in zip(rows, contexts, strict=True)]
    articles = Units("articles" if any(row.get("group") for row in rows) else "contexts", cluster_numbers(passages))
    levels = (articles, Units("contexts", cluster_numbers(contexts)), single_units(len(rows), "questions"))
    return next((units for units in levels if units.count >= LEAST_CLUSTERS), levels[-1])


def own_scores(recipe: str, rows: Sequence[Row]) -> dict[str, float]:
    """Return the scores of all predictions of a run, by the keys of its report."""
    splits = by_split(rows)
    scores: dict[str, float] = {}
    for split, part in splits.items():
        usable = usable_rows(recipe, part)
        if usable:
            units = single_units(len(usable))
            one = np.ones((1, len(usable)))
            found = prediction_scores(recipe, usable, units).statistics
            scores |= {_key(split, name): float(statistic(one)[0]) for name, statistic in found.items()}
    return scores


def scores_alike(report: RunReport, rows: Sequence[Row]) -> dict[str, bool]:
    """Return whether predictions give the value that a report has, by the key of each score that both have.

    The predictions may be those of another run, or the score one of the user that has a name of the kit.
    """
    own = own_scores(report.recipe, rows)
    return {
        key: bool(np.isclose(own[key], saved, rtol=1e-4, atol=1e-5, equal_nan=True))
        for key, saved in report.result.items()
        if key in own and is_finite_number(saved)
    }


def _key(split: str, name: str) -> str:
    return f"{split}_{name}" if split else name


def statistics_of(recipe: str, matched: MatchedRows) -> list[PredictionScores]:
    """Return the scores of each run."""
    return [prediction_scores(recipe, rows, units) for rows, units in zip(matched.runs, matched.units, strict=True)]


def paired_scores(recipe: str, first: Sequence[Row], second: Sequence[Row]) -> PairedScores | None:
    """Return the differences of all scores of two runs on the examples that both have scored.

    Args:
        recipe: name of the recipe.
        first: predictions of the first run.
        second: of the second one.

    Returns:
        None where no split has enough examples that both have scored: at least half of those of one of them.
    """
    splits = [by_split(first), by_split(second)]
    differences: dict[str, PairedDifference] = {}
    both: dict[str, tuple[float, float]] = {}
    examples, changed, counts, scored = 0, [], np.zeros(2, int), np.zeros(2, int)
    for split in splits[0]:
        matched = match_rows(recipe, [rows[split] for rows in splits]) if split in splits[1] else None
        if matched is None:
            continue
        sides = statistics_of(recipe, matched)
        examples += matched.examples
        scored += matched.scored
        names = [name for name in sides[0].statistics if name in sides[1].statistics]
        found = _differences({name: [side.statistics[name] for side in sides] for name in names}, matched.units[0])
        if matched.units[0].are_examples:  # else the test over units
            for name, values in sides[0].shares.items():
                found[name] = difference_of_shares(values, sides[1].shares[name], sides[0].scale)
        differences |= {_key(split, name): value for name, value in found.items()}
        both |= {_key(split, name): _values(name, sides, matched) for name in names}
        if recipe != "pretraining":
            better = sides[1].merit - sides[0].merit
            counts += [int((better < 0).sum()), int((better > 0).sum())]
            order = np.argsort(-_weight(better, matched), kind="stable")[: int((better != 0).sum())]
            changed += [(matched.runs[0][number], matched.runs[1][number]) for number in order.tolist()]
    if not differences:
        return None
    of_runs = int(scored[0]), int(scored[1])
    return PairedScores(differences, both, examples, of_runs, changed, int(counts[0]), int(counts[1]))


def _values(name: str, sides: Sequence[PredictionScores], matched: MatchedRows) -> tuple[float, float]:
    first, second = (
        float(side.statistics[name](np.ones((1, units.count)))[0])
        for side, units in zip(sides, matched.units, strict=True)
    )
    return first, second


def _differences(statistics: Mapping[str, Sequence[Statistic]], units: Units) -> dict[str, PairedDifference]:
    return compare_statistics({name: difference(*sides) for name, sides in statistics.items()}, units)


def difference_of_shares(first: np.ndarray, second: np.ndarray, scale: float) -> PairedDifference:
    """Return the difference of two shares of the same independent examples, each times `scale`."""
    found = compare_shares(first, second)
    values = {name: scale * getattr(found, name) for name in ("value", "low", "high", "smallest")}
    return replace(found, **values)


def _weight(better: np.ndarray, matched: MatchedRows) -> np.ndarray:
    """Return how far two predictions differ; of right against wrong by their losses."""
    losses = np.array([[row.get("loss") or 0.0 for row in rows] for rows in matched.runs], float)
    apart = np.abs(losses[1] - losses[0])
    return np.where(better != 0, np.abs(better) + apart / (apart.max() + 1), -1.0)
