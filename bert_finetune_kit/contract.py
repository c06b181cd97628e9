"""What the hooks of a recipe exchange: frozen objects, each returned by one hook and read by the next.

The table of hooks in docs/design.md says when each is called.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from .calibration.saved import NOT_CALIBRATED, Calibration
from .calibration.thresholds import ThresholdBasis
from .data.examples import Examples
from .data.memory import FoldData
from .data.sources import DataSource
from .reporting.intervals import Interval
from .reporting.schema import ReportTable, Score

Batch = dict[str, Tensor]
Forward = Callable[[Any, Batch], Any]
"""Model and batch → a `ModelOutput` with one row an example."""
Outputs = tuple[np.ndarray, ...]
"""Outputs of the model for a split, one array a field and one row an example."""


class Collator(Protocol):
    """Examples → batch."""

    def __call__(self, examples: list[Any]) -> Batch:
        """Return a batch with an `attention_mask`, (batch, seq)."""


def directions(glossary: Sequence[Score]) -> dict[str, bool | None]:
    """Return for the loss and each score of a glossary whether lower is better; none where not known."""
    return {"loss": True} | {score.key: score.lower_is_better for score in glossary}


@dataclass(frozen=True, kw_only=True)
class PreparedData:
    """All there is to know of the data of a run. Each recipe extends it by what its other hooks need."""

    name: str
    """Name of the data set for the reader of a report."""
    tokenizer: PreTrainedTokenizerBase
    train: Examples
    validation: Mapping[str, Examples]
    """Examples to evaluate on by split; several splits for tasks such as MNLI, none for no evaluation."""
    collator: Collator
    initial_model: str | PretrainedConfig
    """What to start from: a checkpoint by name or folder, or a config for new weights."""
    glossary: tuple[Score, ...] = ()
    """Scores that `compute_metrics` returns, in the order to show them; several splits prefix their names."""
    best_metric: str | None = None
    """Key of the score to choose the best checkpoint by where the arguments name none; none means the loss."""
    further_scores: Mapping[str, bool | None] = field(default_factory=dict)
    """Scores beside the glossary that the best checkpoint can be chosen by, and whether lower is better (none: not
    known)."""
    undefined_scores: Mapping[str, str] = field(default_factory=dict)
    """Scores that the validation split leaves undefined whatever is predicted, by key, and why."""
    notes: tuple[str, ...] = ()
    """What a reader of the report must know of the data."""
    calibration: Calibration | None = None
    """Of a trained model that is scored on other data; none means that it is fitted on half of the validation examples
    where the recipe has probabilities."""

    def prefix(self, split: str) -> str:
        """Return what the scores of a split begin with: nothing where there is one split."""
        return f"{split}_" if len(self.validation) > 1 else ""

    def fingerprint(self) -> dict[str, Any]:
        """Return what the result depends on beside examples and tokenizer, as plain data by name."""
        return {}

    @property
    def lower_is_better(self) -> dict[str, bool | None]:
        """For each score that the best checkpoint can be chosen by, whether lower is better; none where not known."""
        return directions(self.glossary) | dict(self.further_scores)


def call_model(model: Any, batch: Batch) -> Any:
    """Return the outputs of a model whose own forward returns one row an example."""
    return model(**batch)


@dataclass(frozen=True)
class BuiltModel:
    """A model ready to train."""

    model: Any
    """A `PreTrainedModel`, wrapped by peft or not."""
    new_parts: tuple[str, ...] = ()
    """Modules whose weights were newly initialized."""
    forward: Forward = call_model
    """What a batch gives: a function outside of the model, so that the heads of all architectures are stock classes."""
    notes: tuple[str, ...] = ()
    """What a reader of the report must know of the model."""


@dataclass(frozen=True)
class LoadedModel:
    """A trained model, and what is needed for its use."""

    model: Any
    tokenizer: Any
    usage: Any = None
    """What `predict` needs of the training: labels, or a threshold."""
    forward: Forward = call_model
    """As in `BuiltModel`."""
    folder: str | None = None
    """Where it was loaded from, a folder or Hub id; none for a model that was trained in this process."""
    calibration: Calibration | None = None
    """Of its probabilities; none means that they are those of the logits."""

    @property
    def built(self) -> BuiltModel:
        """The model as one that was built for its data."""
        return BuiltModel(self.model, forward=self.forward)

    @property
    def threshold_basis(self) -> ThresholdBasis:
        """Validation predictions that thresholds are chosen on; none where none are kept with the model."""
        return (self.calibration or NOT_CALIBRATED).chosen_on.basis


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What the saved weights score on the validation splits. Recipes may extend it."""

    scores: Mapping[str, float]
    """Scores by the keys of the glossary: those of `compute_metrics`, with `PreparedData.prefix` of their split."""
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    """95% confidence intervals of these scores."""
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Scores without a model on the same examples, by name of the baseline."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Further figures for tables, plots and rules, as plain data."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Figures that only the diagnosis needs, as plain data."""
    predictions: Callable[[], Iterable[Mapping[str, Any]]] = tuple
    """Returns one row an example, plain data: what was predicted, and its loss or score."""
    calibration: Calibration | None = None
    """Of the probabilities, saved beside the model; none where there are no probabilities."""


@dataclass(frozen=True)
class SplitOutputs:
    """What a model says of a split, to compare an exported one with the one it was made from."""

    outputs: Outputs
    """As `RecipeHooks.evaluation` takes them."""
    logits: np.ndarray
    """Logits to compare one by one, in the same order for both, (logits,) float."""
    decisions: Sequence[Any]
    """What it predicts for each example, to compare by equality; none of a regression."""


@dataclass(frozen=True)
class Fold:
    """A part of the train split that is scored by a model which is trained on the rest."""

    source: DataSource
    """The rest, and the validation data of the recipe."""
    rows: FoldData
    """The examples to score, as `evaluation_data` takes them."""
    numbers: np.ndarray
    """(rows,) int64: of these examples in the train split."""


@dataclass(frozen=True, kw_only=True)
class FoldedData:
    """The train split of a recipe, divided into folds."""

    name: str
    """Name of the data set for the reader of a report."""
    unit: str
    """What an example is called: example or question."""
    divided_by: str
    """What is kept together and spread evenly, in a clause."""
    folds: Sequence[Fold]
    notes: tuple[str, ...]
    """What a reader must know of the data."""
    has_validation: bool
    """Whether there is a validation split beside the train split."""
    clusters: np.ndarray | None = None
    """(examples,) int64: group of each example of the train split; none where each stands for itself."""
    cluster: str = ""
    """What a group is called, such as article."""
    pool: Callable[[Sequence[Mapping[str, Any]], np.ndarray | None], tuple[Mapping[str, float], Mapping[str, Interval]]]
    """Predictions of all examples, as rows of `predictions.jsonl`, and their clusters → scores and 95% intervals."""


DataT = TypeVar("DataT", bound=PreparedData)
EvaluationT = TypeVar("EvaluationT", bound=Evaluation)


@dataclass(frozen=True, kw_only=True)
class Description:
    """The parts of a report that only the recipe can write."""

    summary: Sequence[str]
    """What was trained on what, and what the scores mean, in a few sentences."""
    data: Mapping[str, Mapping[str, Any]]
    """Statistics of each split."""
    settings: Mapping[str, Mapping[str, Any]]
    """Settings by group: source, recipe, model, and as far as there are any task."""
    tables: Sequence[ReportTable] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Figures of the data that only the diagnosis needs."""
