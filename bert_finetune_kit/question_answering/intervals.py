"""The 95% confidence intervals of exact match and F1."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..data.clusters import cluster_numbers
from ..data.questions import passages
from ..reporting.intervals import Interval, intervals_of, share_interval
from ..reporting.statistics.clusters import LEAST_CLUSTERS, Units, choose_units, single_units
from ..reporting.statistics.score_statistics import mean_statistics


def independent_units(titles: Sequence[str], contexts: Sequence[str], scored: np.ndarray) -> Units:
    """Return what is independent: articles, where there are fewer than four contexts, and then questions.

    Args:
        titles: article of each question, empty where it is not known.
        contexts: context of each question.
        scored: (questions,) bool: those of which there are to be enough.
    """
    return choose_units(
        scored,
        Units("articles" if any(titles) else "contexts", cluster_numbers(passages(titles, contexts))),
        Units("contexts", cluster_numbers(contexts)),
        single_units(len(contexts), "questions"),
    )


def score_intervals(
    values: Mapping[str, np.ndarray], kinds: Mapping[str, np.ndarray], units: Units
) -> dict[str, Interval]:
    """Return the 95% intervals of exact match and F1 in percent.

    Args:
        values: `exact` and `f1` of each question, (questions,) from 0 to 1.
        kinds: questions of each kind, (questions,) bool, by the prefix of its scores.
        units: of the questions.
    """
    bounds: dict[str, Interval] = {}
    for prefix, chosen in kinds.items():
        few = units.take(chosen)
        inside = few if few.count >= LEAST_CLUSTERS else single_units(len(few.numbers))
        for name in ("exact", "f1"):
            scores = values[name][chosen]
            if np.isin(scores, (0, 1)).all():  # as always for questions without an answer
                bounds[prefix + name] = share_interval(scores, inside)
            else:
                bounds |= intervals_of(mean_statistics({prefix + name: scores}, inside), inside)
    return {name: (100 * low, 100 * high) for name, (low, high) in bounds.items() if low < high}
