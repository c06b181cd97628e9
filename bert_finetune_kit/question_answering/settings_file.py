"""What is saved beside a model so that it answers as it was scored: lengths, and when to abstain."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .config import QAConfig
from .judging import EVEN

SETTINGS_FILE = "question_answering.json"
_KEPT = ("max_length", "doc_stride", "max_question_length", "n_best", "max_answer_length")


def save_settings(config: QAConfig, threshold: float, folder: str | Path) -> None:
    """Write the file into the folder of a model.

    Args:
        config: settings of the recipe.
        threshold: probability of no answer above which a question goes unanswered.
        folder: of the model.
    """
    kept = {name: value for name, value in asdict(config).items() if name in _KEPT}
    settings = {"threshold": threshold, "config": kept}
    Path(folder, SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", "utf-8")


def load_settings(folder: str, model_config: Any) -> tuple[QAConfig, float]:
    """Return settings and threshold of a saved model; of a stock model the defaults, and to abstain when in doubt.

    Raises:
        ModelError: the file beside the model is damaged.
    """
    file = Path(folder, SETTINGS_FILE)
    if not file.is_file():
        longest = min(QAConfig.max_length, model_config.max_position_embeddings)
        return QAConfig(max_length=longest, doc_stride=min(QAConfig.doc_stride, longest // 4)), EVEN
    try:
        saved = json.loads(file.read_text("utf-8"))
        return QAConfig(**saved["config"]), float(saved["threshold"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file} is damaged: {error}") from error
