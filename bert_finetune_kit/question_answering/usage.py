"""What is saved beside a model so that it answers as it was evaluated: lengths, and when to abstain."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..inference.settings import load_settings, save_settings
from ..json_objects import from_mapping
from ..reporting.numbers import is_finite_number
from .config import QAConfig
from .threshold import DEFAULT_THRESHOLD

SETTINGS_FILE = "question_answering.json"
_SAVED = ("max_length", "doc_stride", "max_question_length", "n_best", "max_answer_length")


def save_usage(config: QAConfig, threshold: float, folder: str | Path) -> None:
    """Write the file into the folder of a model.

    Args:
        config: settings of the recipe.
        threshold: probability of no answer above which the model abstains.
        folder: of the model.
    """
    saved = {name: value for name, value in asdict(config).items() if name in _SAVED}
    save_settings({"threshold": threshold, "config": saved}, folder, SETTINGS_FILE)


def load_usage(folder: str, model_config: Any) -> tuple[QAConfig, float]:
    """Return settings and threshold of a saved model; of a stock model the defaults.

    Raises:
        ModelError: the file beside the model is damaged.
    """
    saved = load_settings(
        folder, SETTINGS_FILE, lambda content: (from_mapping(QAConfig, content["config"]), _share(content["threshold"]))
    )
    if saved is not None:
        return saved
    defaults = QAConfig()
    length = min(defaults.max_length, model_config.max_position_embeddings)
    question, stride = (min(value, length // 4) for value in (defaults.max_question_length, defaults.doc_stride))
    return QAConfig(max_length=length, doc_stride=stride, max_question_length=question), DEFAULT_THRESHOLD


def _share(threshold: Any) -> float:
    if not is_finite_number(threshold) or not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold!r}, and a probability is needed")
    return float(threshold)
