"""Which examples are independent of each other: those of one article, document or text are not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

LEAST_CLUSTERS = 4
"""Fewer say nothing of how they differ."""


@dataclass(frozen=True)
class Units:
    """What is drawn with replacement to see how a score could have been otherwise."""

    name: str
    """Plural: articles, documents, texts."""
    numbers: np.ndarray
    """Unit of each example, (examples,) int from 0."""

    @property
    def count(self) -> int:
        """How many units there are."""
        return int(self.numbers.max()) + 1 if len(self.numbers) else 0

    @property
    def are_examples(self) -> bool:
        """Whether each example is a unit of its own."""
        return self.count == len(self.numbers)

    @property
    def freedom(self) -> float:
        """Degrees of freedom: one less than the number of units of equal size that are worth as much (Kish 1965)."""
        sizes = np.bincount(self.numbers).astype(float)
        return max(float(sizes.sum() ** 2 / (sizes**2).sum()) - 1, 1.0)

    def take(self, chosen: np.ndarray) -> "Units":
        """Return the units of some of the examples."""
        return Units(self.name, np.unique(self.numbers[chosen], return_inverse=True)[1])


def single_units(examples: int, name: str = "examples") -> Units:
    """Return units of one example each."""
    return Units(name, np.arange(examples))


def choose_units(scored: np.ndarray, *levels: Units) -> Units:
    """Return the first level that has enough units; the last one where none has.

    Args:
        scored: (examples,) bool: those of which there are to be enough.
        levels: from the coarsest to single examples.
    """
    return next((units for units in levels if units.take(scored).count >= LEAST_CLUSTERS), levels[-1])


def sums_by_unit(columns: Any, units: Units) -> Any:
    """Return the sums of columns over the examples of each unit, (units, columns), sparse where they were.

    Args:
        columns: (examples, columns), an array or sparse.
        units: of the examples.
    """
    if units.are_examples and np.array_equal(units.numbers, np.arange(len(units.numbers))):
        return columns
    examples = len(units.numbers)
    membership = sparse.csr_array((np.ones(examples), (units.numbers, np.arange(examples))), (units.count, examples))
    return membership @ columns
