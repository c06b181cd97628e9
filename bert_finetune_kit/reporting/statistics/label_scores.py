"""Scores of labels as functions of counts by label, as scikit-learn computes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class LabelCounts:
    """Counts by label of bootstrap draws, (draws, labels) float each."""

    correct: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    averaged: np.ndarray
    """Whether a label is in macro averages."""


def label_columns(references: np.ndarray, predictions: np.ndarray, labels: int) -> Any:
    """Return what each example adds to the counts, sparse (examples, 3 · labels): correct, predicted, true.

    Args:
        references: ids, (examples,), or 0 and 1, (examples, labels).
        predictions: the same.
        labels: number of labels.
    """
    if references.ndim == 1:
        rows, right = np.arange(len(references)), np.flatnonzero(references == predictions)
        places = np.concatenate([references[right], labels + predictions, 2 * labels + references])
        numbers = np.concatenate([right, rows, rows])
        return sparse.csr_array((np.ones(len(places)), (numbers, places)), (len(references), 3 * labels))
    return sparse.csr_array(np.concatenate([predictions * references, predictions, references], axis=1).astype(float))


def label_counts(sums: np.ndarray, skip_absent: bool) -> LabelCounts:
    """Return sums of `label_columns` as counts.

    Args:
        sums: (draws, 3 · labels).
        skip_absent: whether macro averages skip labels that are neither true nor predicted, as scikit-learn does where
            an example has one label.
    """
    correct, predicted, true = np.split(sums, 3, axis=1)
    averaged = (predicted + true) > 0 if skip_absent else np.ones_like(true, bool)
    return LabelCounts(correct, predicted, true, averaged)


CountScore = Callable[[LabelCounts], np.ndarray]


def _share(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    return np.divide(numerators, denominators, out=np.zeros_like(numerators), where=denominators > 0)


def _precision(counts: LabelCounts) -> np.ndarray:
    return _share(counts.correct, counts.predicted)


def _recall(counts: LabelCounts) -> np.ndarray:
    return _share(counts.correct, counts.true)


def _f1(counts: LabelCounts) -> np.ndarray:
    return _share(2 * counts.correct, counts.predicted + counts.true)


def _macro(by_label: CountScore) -> CountScore:
    def score(counts: LabelCounts) -> np.ndarray:
        return _share((by_label(counts) * counts.averaged).sum(1), counts.averaged.sum(1).astype(float))

    return score


def _weighted(by_label: CountScore) -> CountScore:
    return lambda counts: _share((by_label(counts) * counts.true).sum(1), counts.true.sum(1))


def _of_second_label(by_label: CountScore) -> CountScore:
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
COUNT_SCORES: dict[str, CountScore] = {
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
OF_TWO_LABELS = ("precision", "recall", "f1")
"""Those of the label with id 1 alone, in tasks of two labels."""


def label_indicators(labels_of: Sequence[Sequence[str]], names: Sequence[str]) -> np.ndarray:
    """Return 0 and 1 for each label, (examples, labels) int.

    Args:
        labels_of: labels of each example.
        names: of all labels.

    >>> label_indicators([["b"], ["a", "b"]], ["a", "b"]).tolist()
    [[0, 1], [1, 1]]
    """
    return np.array([[int(name in labels) for name in names] for labels in map(set, labels_of)])
