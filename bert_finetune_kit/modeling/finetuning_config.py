"""Settings that every fine-tuning has."""

from dataclasses import dataclass
from typing import ClassVar

from transformers import PretrainedConfig

from ..errors import raise_faults
from ..settings import setting
from .architecture import layer_faults, max_positions

_MIN_LENGTH = 3  # [CLS] token [SEP]


@dataclass(frozen=True)
class FineTuningConfig:
    """Settings that every fine-tuning has."""

    heading: ClassVar[str] = "Fine-tuning"

    max_length: int = setting(128, "Maximum sequence length in tokens, special tokens included.")
    layer_decay: float = setting(
        1.0,
        "Learning rate of a layer as a fraction of that of the layer above (ELECTRA: 0.8 for base); 1 for the same "
        "rate in all.",
    )
    freeze_embeddings: bool = setting(False, "Do not train the embeddings.")
    freeze_layers: int = setting(0, "Do not train the first n layers, nor the embeddings if n is above 0.")
    early_stopping_patience: int | None = setting(
        None, "Stop after this many evaluations without a better score. Default: never."
    )
    unpad: bool = setting(True, "Compute real tokens only, and skip the padding of a batch.")

    def __post_init__(self) -> None:
        raise_faults(self._faults(), type(self).__name__)

    def _faults(self) -> list[str]:
        faults = []
        if self.max_length < _MIN_LENGTH:
            faults.append(f"max_length is {self.max_length}: at least {_MIN_LENGTH} tokens are needed")
        if not 0 < self.layer_decay <= 1:
            faults.append(f"layer_decay is {self.layer_decay}: it must be above 0 and at most 1")
        if self.freeze_layers < 0:
            faults.append(f"freeze_layers is {self.freeze_layers}: a number of layers must be 0 or more")
        if self.early_stopping_patience is not None and self.early_stopping_patience < 1:
            faults.append(f"early_stopping_patience is {self.early_stopping_patience}: at least 1 evaluation is needed")
        return faults

    def model_faults(self, config: PretrainedConfig) -> list[str]:
        """Return why these settings do not fit a model with this config."""
        faults, positions = [], max_positions(config)
        if positions is not None and self.max_length > positions:
            faults.append(
                f"max_length is {self.max_length}, but the model has {positions} positions: lower "
                "max_length; longer texts can be read in windows"
            )
        if self.freeze_layers > config.num_hidden_layers:
            faults.append(
                f"freeze_layers is {self.freeze_layers}, but the model has {config.num_hidden_layers} layers: lower "
                "freeze_layers"
            )
        elif self.freeze_layers or self.layer_decay != 1:
            faults += layer_faults(config)
        return faults
