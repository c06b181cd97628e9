"""The 95% confidence intervals of a classification's scores."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from ..reporting.intervals import DRAWS, Interval, percentiles, wilson
from .metric_set import MetricSet
from .metrics import METRICS, Predictions

_MAX_LABELS = 100  # a thousand confusion tables of more would take too much memory


def intervals(
    metrics: MetricSet, predicted: Predictions, seed: int = 0, clusters: np.ndarray | None = None
) -> dict[str, Interval]:
    """Return the 95% confidence interval of each score of a split.

    Accuracy, a share of examples, has the score interval of Wilson (1927), Pearson's correlation that of Fisher's
    transformation; all others have percentiles of a bootstrap over the examples (Efron 1979) with 1,000 draws. If all
    draws are equal, as for a constant prediction, the bootstrap has no information, and there is no interval.

    Examples that belong together, such as those of one author, are drawn together: then all scores are bootstrapped.

    Args:
        metrics: of the task.
        predicted: predictions and references; fewer than four examples have no intervals.
        seed: of the draws.
        clusters: (examples,) int64: which examples belong together; none where each stands for itself.
    """
    examples = len(predicted.references)
    if examples < 4:
        return {}
    bounds: dict[str, Interval] = {}
    names = [name for name in metrics.computed if not math.isnan(METRICS[name].score(predicted))]
    draw = partial(drawn_examples, examples) if clusters is None else partial(drawn_clusters, clusters)
    if clusters is None and "accuracy" in names:
        bounds["accuracy"] = wilson(round(METRICS["accuracy"].score(predicted) * examples), examples)
    has_spread = np.ptp(predicted.predictions) > 0 and np.ptp(predicted.references) > 0
    if clusters is None and "pearson" in names and has_spread:
        fisher = stats.pearsonr(predicted.predictions, predicted.references).confidence_interval()
        bounds["pearson"] = float(fisher.low), float(fisher.high)
    rng = np.random.default_rng(seed)
    counts = None
    if metrics.kind == "single_label" and metrics.labels <= _MAX_LABELS:
        if clusters is None:
            tables = drawn_tables(predicted, metrics.labels, rng)
        else:
            tables = tables_of_draws(predicted, metrics.labels, draw(rng))
        counts = counts_of_tables(tables)
    elif metrics.kind == "multi_label":
        counts = counts_of_draws(predicted, draw(np.random.default_rng(seed)))
    if counts is not None:
        bounds |= {name: percentiles(score(counts)) for name, score in COUNT_SCORES.items() if name in names}
    remaining = [name for name in names if name not in bounds]
    scores = np.empty((DRAWS, len(remaining)))
    for number, chosen in enumerate(draw(rng) if remaining else ()):
        drawn = predicted.take(chosen)
        scores[number] = [METRICS[name].score(drawn) for name in remaining]
    bounds |= {name: percentiles(scores[:, column]) for column, name in enumerate(remaining)}
    return {name: interval for name, interval in bounds.items() if interval[0] < interval[1]}


@dataclass(frozen=True)
class LabelCounts:
    """Counts by label of bootstrap draws, (draws, labels) float each."""

    correct: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    averaged: np.ndarray
    """Whether a label is in macro averages."""


def drawn_examples(examples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the numbers of the examples of each bootstrap draw, (examples,)."""
    return (rng.integers(examples, size=examples) for _ in range(DRAWS))


def drawn_clusters(clusters: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the numbers of the examples of each draw of as many clusters as there are, (drawn examples,)."""
    order = np.argsort(clusters, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)
    for _ in range(DRAWS):
        yield np.concatenate([members[number] for number in rng.integers(len(members), size=len(members))])


def drawn_tables(predicted: Predictions, labels: int, rng: np.random.Generator) -> np.ndarray:
    """Return confusion tables of bootstrap draws, (draws, true label, predicted label).

    Drawing examples with replacement is drawing the cells of their table from a multinomial distribution.
    """
    cells = np.bincount(predicted.references * labels + predicted.predictions, minlength=labels * labels)
    drawn = rng.multinomial(cells.sum(), cells / cells.sum(), size=DRAWS)
    return drawn.reshape(DRAWS, labels, labels).astype(float)


def tables_of_draws(predicted: Predictions, labels: int, draws: Iterable[np.ndarray]) -> np.ndarray:
    """Return the confusion tables of drawn examples, (draws, true label, predicted label)."""
    cells = predicted.references * labels + predicted.predictions
    tables = np.stack([np.bincount(cells[chosen], minlength=labels * labels) for chosen in draws])
    return tables.reshape(-1, labels, labels).astype(float)


def counts_of_tables(tables: np.ndarray) -> LabelCounts:
    """Return the counts of confusion tables, (draws, true label, predicted label)."""
    correct, predicted, true = np.diagonal(tables, axis1=1, axis2=2).copy(), tables.sum(1), tables.sum(2)
    return LabelCounts(correct, predicted, true, (predicted + true) > 0)  # scikit-learn skips the others


def counts_of_draws(predicted: Predictions, draws: Iterable[np.ndarray]) -> LabelCounts:
    """Return the counts of a multi_label task.

    Args:
        predicted: predictions and references, (examples, labels) of 0 and 1.
        draws: numbers of the drawn examples, (examples,) each.
    """
    both = predicted.predictions * predicted.references
    columns = np.concatenate([both, predicted.predictions, predicted.references], axis=1).astype(float)
    counts = np.stack([columns[chosen].sum(0) for chosen in draws])
    correct, predictions, true = np.split(counts, 3, axis=1)
    return LabelCounts(correct, predictions, true, np.ones_like(true, bool))


Score = Callable[[LabelCounts], np.ndarray]


def _share(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    return np.divide(numerators, denominators, out=np.zeros_like(numerators), where=denominators > 0)


def _precision(counts: LabelCounts) -> np.ndarray:
    return _share(counts.correct, counts.predicted)


def _recall(counts: LabelCounts) -> np.ndarray:
    return _share(counts.correct, counts.true)


def _f1(counts: LabelCounts) -> np.ndarray:
    return _share(2 * counts.correct, counts.predicted + counts.true)


def _macro(by_label: Score) -> Score:
    def score(counts: LabelCounts) -> np.ndarray:
        return _share((by_label(counts) * counts.averaged).sum(1), counts.averaged.sum(1).astype(float))

    return score


def _weighted(by_label: Score) -> Score:
    return lambda counts: _share((by_label(counts) * counts.true).sum(1), counts.true.sum(1))


def _of_second_label(by_label: Score) -> Score:
    return lambda counts: by_label(counts)[:, 1]


def _micro_f1(counts: LabelCounts) -> np.ndarray:
    return _share(2 * counts.correct.sum(1), counts.predicted.sum(1) + counts.true.sum(1))


def _matthews(counts: LabelCounts) -> np.ndarray:
    """Gorodkin (2004), as in scikit-learn."""
    total = counts.true.sum(1)
    covariance = counts.correct.sum(1) * total - (counts.true * counts.predicted).sum(1)
    spread = (total**2 - (counts.true**2).sum(1)) * (total**2 - (counts.predicted**2).sum(1))
    return _share(covariance, np.sqrt(np.maximum(spread, 0)))


# Scores that are functions of counts by label, each (draws,).
COUNT_SCORES: dict[str, Score] = {
    "precision": _of_second_label(_precision),
    "recall": _of_second_label(_recall),
    "f1": _of_second_label(_f1),
    "precision_macro": _macro(_precision),
    "recall_macro": _macro(_recall),
    "f1_macro": _macro(_f1),
    "precision_weighted": _weighted(_precision),
    "recall_weighted": _weighted(_recall),
    "f1_weighted": _weighted(_f1),
    "f1_micro": _micro_f1,
    "matthews": _matthews,
}
