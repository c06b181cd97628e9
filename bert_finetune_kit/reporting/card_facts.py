"""What only a recipe knows of the model card of its models."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from .intervals import Interval


@dataclass(frozen=True)
class CardScore:
    """A score of the saved weights, for the table of the card and for its `model-index`."""

    label: str
    """How people write it, such as exact match."""
    metric: str
    """Id of the metric on the Hub, such as exact_match."""
    value: float
    form: str
    split: str = "validation"
    interval: Interval | None = None
    """95% interval."""
    baseline: float | None = None
    """What needs no model scores, on the same examples."""


@dataclass(frozen=True)
class CardExample:
    """Code that uses the model; `MODEL_ID` in it is the name of the model, which `model_id` holds."""

    title: str
    code: str


@dataclass(frozen=True)
class CardFacts:
    """What a recipe tells of a model from its report."""

    task: str
    """Id of the task on the Hub (`pipeline_tag`)."""
    purpose: str
    """What the model takes and gives, in a sentence."""
    scores: Sequence[CardScore]
    scored_on: str
    """What the scores are of, and how to read them."""
    baseline: str
    """What the column of baselines is called."""
    examples: Sequence[CardExample]
    limits: Sequence[str]
    """What the model cannot do, a sentence each."""


def is_score(value: Any) -> TypeGuard[float]:
    """Whether `value` is a finite number; a report that was read from its file has words in place of others."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
