"""Sets of labels that hold the true one as often as asked for (split conformal prediction).

The score is the probability of a label, the least ambiguous choice (LAC; Sadinle, Lei and Wasserman 2019): a set holds
the labels whose probability is not below that of nearly all true labels of validation examples.
"""

import math

import numpy as np

from ..errors import ConfigError
from .thresholds import check_share


def lowest_probability(level: float, label_probability: np.ndarray) -> float:
    """Return the probability from which on a label is in a set.

    For examples like those given, sets hold the true label with a probability of at least `level`, on average over the
    choice of these examples (Vovk, Gammerman and Shafer 2005).

    Args:
        level: share of the sets that are to hold the true label.
        label_probability: of the true label of each example, (examples,); none of them was trained on.

    Raises:
        ConfigError: `level` is no share, or too high for so few examples.
    """
    check_share("label_sets", level)
    count = len(label_probability)
    below = math.floor((count + 1) * (1 - level) + 1e-9)  # true labels that may be below it
    if below < 1:
        raise ConfigError(
            f"label_sets={level:g} needs more than the {count:,} validation examples there are to choose by: at least "
            f"{math.ceil(1 / (1 - level) - 1e-9) - 1:,}. Lower it, or train with more validation examples."
        )
    return float(np.sort(label_probability)[below - 1])


def label_sets(probabilities: np.ndarray, lowest: float) -> np.ndarray:
    """Return the sets of labels, (examples, labels) bool; one is empty where no label is likely enough.

    Args:
        probabilities: (examples, labels).
        lowest: as `lowest_probability` returns it.
    """
    return np.asarray(probabilities >= lowest)
