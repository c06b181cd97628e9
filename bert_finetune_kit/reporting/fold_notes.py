"""What a reader of a cross-validation should know: what was divided, what intervals cover, what was not learnt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .formatting import format_interval, format_score
from .intervals import Interval, finite_interval
from .numbers import finite_or_none
from .schema import Score
from .tables import baseline_label

_FEW_CLUSTERS = 20


@dataclass(frozen=True)
class FoldsOrigin:
    """What was divided into folds, and how."""

    name: str
    """Of the data set."""
    unit: str
    """What an example is called."""
    divided_by: str
    """What is kept together and spread evenly, in a clause."""
    has_validation: bool
    """Whether there is a validation split beside the train split."""
    cluster: str
    """What examples that belong together are called; empty where each stands for itself."""
    clusters: int
    """Number of these."""
    notes: Sequence[str]


def not_learnt(
    glossary: Sequence[Score], pooled: Mapping[str, float], intervals: Mapping[str, Interval],
    baselines: Mapping[str, Mapping[str, float]],
) -> Iterator[str]:  # fmt: skip
    """Yield which of the main scores is no better than a baseline, by its interval.

    Args:
        glossary: the scores.
        pooled: those of all predictions together.
        intervals: of these.
        baselines: scores without a model, by the name of the baseline.
    """
    for score in [score for score in glossary if score.key in intervals][:3]:
        for name, baseline in unbeaten(score, intervals[score.key], baselines):
            shown = [format_score(value, score.format_spec) for value in (pooled[score.key], baseline)]
            interval = format_interval(intervals[score.key], score.format_spec)
            yield (
                f"{score.label} {shown[0]} (95% interval {interval}) is not shown to be better than the "
                f"{baseline_label(name)}, {shown[1]}"
            )


def unbeaten(
    score: Score, interval: Interval | None, baselines: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[str, float]]:
    """Yield name and value of each baseline that a score is not shown to be better than.

    Args:
        score: that is looked at.
        interval: of it; where there is none, nothing is said.
        baselines: scores without a model, by the name of the baseline.
    """
    ends = finite_interval(interval)
    if ends is None or score.lower_is_better is None:
        return
    low, high = ends
    for name, values in baselines.items():
        baseline = finite_or_none(values.get(score.key))
        if baseline is not None and (high >= baseline if score.lower_is_better else low <= baseline):
            yield name, baseline


def fold_notes(origin: FoldsOrigin, scored: int, has_intervals: bool) -> list[str]:
    """Return what the intervals cover, and what the scores of folds are worth.

    Args:
        origin: what was divided.
        scored: number of examples of all folds.
        has_intervals: whether there are any.
    """
    notes = []
    if has_intervals:
        drawn = f"the {scored:,} {origin.unit}s"
        if origin.cluster:
            drawn += f", drawn as {origin.clusters:,} whole {origin.cluster}s"
        notes.append(
            f"the intervals cover the choice of {drawn}, and not what other training data, another division or another "
            "seed would change"
        )
        if origin.cluster and origin.clusters < _FEW_CLUSTERS:
            notes.append(f"an interval over {origin.clusters} {origin.cluster}s is uncertain itself: they are few")
    notes.append(
        "the models share most of their training examples, so that the scores of the folds are not independent: their "
        "standard deviation describes them, and is not the error of a mean of independent scores; the variance of a "
        "cross-validation has no unbiased estimator (Bengio and Grandvalet 2004)"
    )
    if origin.has_validation:
        notes.append(
            "the validation split is no part of the folds: each run evaluates it during training and makes its choices "
            "by it, such as that of the checkpoint"
        )
    else:
        notes.append(
            f"each fold holds some of its training {origin.unit}s out, by which its run makes its choices, such as "
            "that of the checkpoint: what is scored here had no part in them"
        )
    return notes
