"""Logits → probabilities in numpy alone, so that an exported model needs no further library."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the shares of each row, (rows, width); `scipy.special.softmax` over the last axis.

    Args:
        logits: (rows, width) float, of which -inf has no share; one of each row is finite.

    >>> softmax(np.log([[1.0, 3.0]])).round(2).tolist()
    [[0.25, 0.75]]
    """
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-logits)) without an overflow, in their shape; `scipy.special.expit`.

    >>> sigmoid(np.array([-np.inf, 0.0, 1e3])).tolist()
    [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
