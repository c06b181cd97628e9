"""What is saved beside a pretrained model so that it is scored as it was trained: objective, lengths and masking."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..inference.settings import load_settings, save_settings
from ..json_objects import from_mapping
from ..modeling.architecture import max_positions, pair_faults
from .config import Objective, PretrainConfig

SETTINGS_FILE = "pretraining.json"
_SAVED = (
    "max_length", "objective", "pairs", "short_sequence_probability", "mlm_probability", "whole_word_masking",
    "max_predictions",
)  # fmt: skip


def save_usage(config: PretrainConfig, folder: str | Path) -> None:
    """Write the file into the folder of a model.

    Args:
        config: of the last phase.
        folder: of the model.
    """
    save_settings({name: value for name, value in asdict(config).items() if name in _SAVED}, folder, SETTINGS_FILE)


def load_usage(folder: str, model_config: Any) -> PretrainConfig:
    """Return the settings of a saved model; of a stock model the defaults with the pair objective of its heads, if any.

    Args:
        folder: of the model, or its Hub id.
        model_config: of the model.

    Raises:
        ModelError: the file beside the model is damaged.
    """
    saved = load_settings(folder, SETTINGS_FILE, lambda content: from_mapping(PretrainConfig, content))
    if saved is not None:
        return saved
    names = model_config.architectures or ()
    has_pairs = any("PreTraining" in name for name in names) and not pair_faults(model_config, "nsp")
    objective: Objective = "nsp" if has_pairs else "none"
    length, positions = PretrainConfig.max_length, max_positions(model_config)
    return PretrainConfig(max_length=length if positions is None else min(length, positions), objective=objective)
