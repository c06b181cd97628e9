"""A function as a metric of a task, in the form of a module of `evaluate`."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError

_OF_EVALUATE = {"predictions", "references"}


@dataclass(frozen=True)
class FunctionMetric:
    """A function that returns a score, or scores by name.

    It gets the references and the predictions in this order, as the metrics of scikit-learn do; a function with
    parameters called `predictions` and `references` gets them by name.
    """

    function: Callable[..., Any]

    @property
    def name(self) -> str:
        """Name of the function, and of its score where it returns one number."""
        return str(self.function.__name__)

    def compute(self, *, predictions: np.ndarray, references: np.ndarray) -> dict[str, Any]:
        """Return scores by name."""
        if inspect.signature(self.function).parameters.keys() >= _OF_EVALUATE:
            scores = self.function(predictions=predictions, references=references)
        else:
            scores = self.function(references, predictions)
        return dict(scores) if isinstance(scores, Mapping) else {self.name: scores}


def function_metric(function: Callable[..., Any]) -> FunctionMetric:
    """Return a function as a metric.

    Raises:
        ConfigError: it has no name for its score.

    >>> from sklearn.metrics import accuracy_score
    >>> function_metric(accuracy_score).compute(predictions=np.array([0, 1]), references=np.array([0, 0]))
    {'accuracy_score': 0.5}
    """
    if not getattr(function, "__name__", "").isidentifier():
        raise ConfigError(
            f"The metric {function!r} has no name, by which its score could be called: define it with def, or give it "
            "a __name__."
        )
    return FunctionMetric(function)
