"""The part of a model card that depends on the recipe; each slice builds it from the report of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from .intervals import Interval


@dataclass(frozen=True)
class CardScore:
    """A score of the saved weights, for the table of the card and for its `model-index`."""

    label: str
    """Name for a reader, such as exact match."""
    metric: str
    """Id of the metric on the Hub, such as exact_match."""
    value: float
    format_spec: str
    split: str = "validation"
    interval: Interval | None = None
    """95% interval."""
    baseline: float | None = None
    """Score of the baseline on the same examples."""


@dataclass(frozen=True)
class CardExample:
    """Code that uses the model; `MODEL_ID` in it stands for the id of the model, which it assigns to `model_id`."""

    title: str
    code: str


@dataclass(frozen=True)
class CardContext:
    """What a recipe adds to the model card."""

    task: str
    """Id of the task on the Hub (`pipeline_tag`)."""
    purpose: str
    """Input and output of the model, in a sentence."""
    scores: Sequence[CardScore]
    scored_on: str
    """The evaluation data, and how to read the scores."""
    baseline: str
    """Header of the column of baselines, such as `majority baseline`."""
    examples: Sequence[CardExample]
    limits: Sequence[str]
    """Limitations, a sentence each."""
