"""Predictions, answers and explanations as JSON."""

import json
import math
from dataclasses import asdict
from typing import Any

from ..inference.explanation import Explanation


def to_json(content: Any) -> bytes:
    """Return JSON in UTF-8, in which what is not finite is null."""
    return json.dumps(_finite(content), ensure_ascii=False, allow_nan=False).encode("utf-8")


def prediction_fields(prediction: Any) -> dict[str, Any]:
    """Return a `Prediction`: its label, list of labels or number, `score`, and `scores` by label."""
    label = list(prediction.label) if isinstance(prediction.label, tuple) else prediction.label
    return {"label": label, "score": prediction.score, "scores": prediction.scores}


def answer_fields(answer: Any) -> dict[str, Any]:
    """Return an `Answer`; `start` and `end` count characters (code points), not the units of UTF-16."""
    spans = [{"text": text, "score": score} for text, score in answer.n_best]
    names = ("score", "start", "end", "no_answer")
    return {"answer": answer.text, **{name: getattr(answer, name) for name in names}, "n_best": spans}


def explanation_fields(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation, its words in their order."""
    return asdict(explanation)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
