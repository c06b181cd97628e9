"""What a recipe holds after `prepare`, `train`, `evaluate` or `from_pretrained`."""

from dataclasses import dataclass
from typing import Any, Generic

from transformers import TrainingArguments

from ..contract import BuiltModel, DataT, EvaluationT, LoadedModel
from ..training.trainer import KitTrainer


@dataclass(frozen=True)
class Prepared(Generic[DataT]):
    """Data and model, ready to train."""

    data: DataT
    built: BuiltModel
    args: TrainingArguments
    """The Trainer's arguments, with the score to choose the best checkpoint by."""
    unpadded: bool
    """Whether the model skips padding."""
    notes: tuple[str, ...] = ()
    """Of data and model."""

    @property
    def model(self) -> Any:
        """The model, wrapped by peft or not."""
        return self.built.model


@dataclass(frozen=True)
class RecipeState(Generic[DataT, EvaluationT]):
    """The result of the last `prepare`, `train`, `evaluate` or `from_pretrained`; each replaces it as a whole."""

    prepared: Prepared[DataT] | None = None
    trainer: KitTrainer | None = None
    evaluation: EvaluationT | None = None
    loaded: LoadedModel | None = None
