"""A trained classifier at work: texts → labels with their probabilities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from ..data.tables import open_tables
from ..errors import DataError
from ..modeling.inference import run_batches
from .features import ClassificationExamples
from .labels import LabelSet
from .metrics import Predictions


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text or pair."""

    label: str | tuple[str, ...] | float
    """The most likely label; of a multi_label task all that are likely enough; of a regression the number."""
    score: float
    """Probability of that label (of several the lowest, of none that of saying none); of a regression the number."""
    scores: dict[str, float]
    """Probability of every label."""


def predict_logits(
    model: Any, examples: ClassificationExamples, collator: Callable[[list[Any]], Any], batch_size: int
) -> np.ndarray:
    """Return the logits of all examples, (examples, labels) float32; texts of like length share a batch."""
    logits = np.zeros((len(examples), model.config.num_labels), np.float32)
    for rows, output in run_batches(model, examples, examples.texts.lengths, collator, batch_size):
        logits[rows] = output.logits[: len(rows)].float().cpu().numpy()  # one more where there are windows of padding
    return logits


def to_predictions(told: Predictions, labels: LabelSet, threshold: float) -> list[Prediction]:
    """Return predictions in the words of the task."""
    if labels.kind == "regression":
        return [Prediction(float(number), float(number), {}) for number in told.predictions]
    rows = [dict(zip(labels.names, map(float, row), strict=True)) for row in told.probabilities]
    if labels.kind == "single_label":
        best = [max(scores, key=scores.__getitem__) for scores in rows]
        return [Prediction(label, scores[label], scores) for label, scores in zip(best, rows, strict=True)]
    found = []
    for scores in rows:
        said = tuple(label for label, score in scores.items() if score >= threshold)
        least = min((scores[label] for label in said), default=1 - max(scores.values()))
        found.append(Prediction(said, least, scores))
    return found


def to_rows(given: Any, text: str, text_pair: str | None) -> Dataset:
    """Return what is to be predicted as rows with the columns of the task.

    Args:
        given: a text, a list of texts, for tasks of pairs a pair or a list of pairs, or a `Dataset` with these columns.
        text: column of the text.
        text_pair: column of the second text, if there is one.

    Raises:
        DataError: it is none of these.
    """
    if isinstance(given, Path):
        (given,) = open_tables(given).values()
    if isinstance(given, Dataset):
        return given
    if isinstance(given, Mapping) or hasattr(given, "columns"):
        raise DataError(
            f"A {type(given).__name__} cannot be predicted: give texts, pairs of texts, a Dataset or a Path."
        )
    single = isinstance(given, str) or (isinstance(given, tuple) and text_pair is not None)
    items: Sequence[Any] = [given] if single else list(given) if isinstance(given, Iterable) else []
    if not items:
        raise DataError(f"There is nothing to predict in {given!r}: give texts, pairs of texts or a Dataset.")
    if text_pair is None:
        wrong = next((item for item in items if not isinstance(item, str)), None)
        if wrong is not None:
            raise DataError(f"{wrong!r} is no text; the task is about single texts (column {text!r}).")
        return Dataset.from_dict({text: items})
    for item in items:
        if not isinstance(item, tuple | list) or len(item) != 2 or not all(isinstance(part, str) for part in item):
            raise DataError(f"{item!r} is no pair of texts, which the task is about ({text!r}, {text_pair!r}).")
    return Dataset.from_dict({text: [item[0] for item in items], text_pair: [item[1] for item in items]})
