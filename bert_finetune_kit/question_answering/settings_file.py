"""What is saved beside a model so that it answers as it was scored: lengths, and when to abstain."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers.utils.hub import cached_file

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
    found = cached_file(
        folder,
        SETTINGS_FILE,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if found is None:
        longest = min(QAConfig.max_length, model_config.max_position_embeddings)
        question, stride = (min(usual, longest // 4) for usual in (QAConfig.max_question_length, QAConfig.doc_stride))
        return QAConfig(max_length=longest, doc_stride=stride, max_question_length=question), EVEN
    file = Path(found)
    try:
        saved = json.loads(file.read_text("utf-8"))
        return QAConfig(**saved["config"]), float(saved["threshold"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file} is damaged: {error}") from error
