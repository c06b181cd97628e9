"""What an exported classifier needs for its use, and what it says of a split beside the model it was made from."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from ..calibration.saved import NOT_CALIBRATED
from ..contract import LoadedModel, SplitOutputs
from ..errors import ConfigError
from ..tasks.task import ClassificationTask
from .config import ClassificationConfig
from .data import ClassificationData
from .exported import ExportedClassifier
from .metrics import example_losses
from .predict import predict_logits
from .prediction import decode

MODEL_OUTPUTS = ("logits",)


def use_of(recipe: Any, trained: LoadedModel) -> dict[str, Any]:
    """Return the settings that an exported model is used with.

    Args:
        recipe: of the model.
        trained: the model.

    Raises:
        ConfigError: the recipe changes texts by a function, which no exported model has.
    """
    task: ClassificationTask = recipe.task
    config: ClassificationConfig = recipe.config
    if type(recipe).map_rows.__module__ != "bert_finetune_kit.classification.recipe":
        raise ConfigError(
            f"{type(recipe).__name__} changes texts by map_rows, which an exported model cannot do: export by "
            "ClassificationRecipe.from_pretrained(folder), and change the texts before predict()."
        )
    return {
        "columns": list(task.text_columns),
        "kind": trained.usage.kind,
        "labels": list(trained.usage.names),
        "label_separator": task.label_separator,
        "threshold": config.threshold,
        "temperatures": (trained.calibration or NOT_CALIBRATED).fitted,
        "max_length": config.max_length,
        "stride": config.stride,
        "truncation_side": trained.tokenizer.truncation_side,
        "threshold_basis": asdict(trained.threshold_basis),
        "measured_on": asdict((trained.calibration or NOT_CALIBRATED).measured_on),
    }


def as_trained(data: ClassificationData, trained: LoadedModel) -> ClassificationData:
    """Return the data of a run as those of an evaluation of its model."""
    return replace(data, calibration=trained.calibration or NOT_CALIBRATED)


def kit_outputs(trained: LoadedModel, data: ClassificationData, batch_size: int) -> dict[str, SplitOutputs]:
    """Return what the model says of the validation splits in the kit."""

    def logits(split: str) -> np.ndarray:
        return predict_logits(trained.model, trained.forward, data.validation[split], data.collator, batch_size)

    return _outputs(data, logits)


def exported_outputs(
    model: ExportedClassifier, data: ClassificationData, batch_size: int
) -> Mapping[str, SplitOutputs]:
    """Return what the exported model says of the texts of the validation splits."""

    def logits(split: str) -> np.ndarray:
        rows = data.validation_rows[split]
        return model.logits(list(zip(*(rows[column][:] for column in data.text_columns), strict=True)), batch_size)

    return _outputs(data, logits)


def _outputs(data: ClassificationData, logits_of: Callable[[str], np.ndarray]) -> dict[str, SplitOutputs]:
    found = {}
    for split, examples in data.validation.items():
        logits, references, kind = logits_of(split), examples.labels, data.labels.kind
        usable = np.nan_to_num(logits)
        predicted = decode(usable, references, kind, data.threshold).predictions
        found[split] = SplitOutputs(
            (example_losses(usable, references, kind), logits, references),
            logits.ravel(),
            [] if kind == "regression" else predicted.tolist(),
        )
    return found
