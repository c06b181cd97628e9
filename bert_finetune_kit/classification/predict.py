"""Prediction: texts → labels with their probabilities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from ..contract import Forward
from ..data.tables import open_tables
from ..errors import DataError
from ..inference.batches import run_batches
from .examples import ClassificationExamples
from .labels import LabelSet
from .metrics import Predictions


@dataclass(frozen=True)
class Prediction:
    """The prediction for one text or pair."""

    label: str | tuple[str, ...] | float
    """The most likely label; in a multi_label task all labels above the threshold; in a regression the number."""
    score: float
    """Probability of that label; in a multi_label task the lowest one of the predicted labels, or without any the
    probability that the likeliest label is absent; in a regression the number."""
    scores: dict[str, float]
    """Probability of every label."""


def predict_logits(
    model: Any,
    forward: Forward,
    examples: ClassificationExamples,
    collator: Callable[[list[Any]], Any],
    batch_size: int,
) -> np.ndarray:
    """Return the logits of all examples, (examples, labels) float32; texts of similar length share a batch."""
    lengths = examples.texts.lengths
    logits = np.zeros((len(examples), model.config.num_labels), np.float32)
    for rows, output in run_batches(model, examples, lengths, collator, batch_size, forward):
        logits[rows] = output.logits[: len(rows)].float().cpu().numpy()  # windows of padding add a row
    return logits


def to_predictions(predicted: Predictions, labels: LabelSet, threshold: float) -> list[Prediction]:
    """Return predictions with the labels of the task.

    Args:
        predicted: of all examples.
        labels: of the task.
        threshold: lowest probability of a label in a multi_label task.
    """
    if labels.kind == "regression":
        return [Prediction(float(number), float(number), {}) for number in predicted.predictions]
    rows = [dict(zip(labels.names, map(float, row), strict=True)) for row in predicted.probabilities]
    if labels.kind == "single_label":
        best = [max(scores, key=scores.__getitem__) for scores in rows]
        return [Prediction(label, scores[label], scores) for label, scores in zip(best, rows, strict=True)]
    predictions = []
    for scores in rows:
        above = tuple(label for label, score in scores.items() if score >= threshold)
        lowest = min((scores[label] for label in above), default=1 - max(scores.values()))
        predictions.append(Prediction(above, lowest, scores))
    return predictions


def to_rows(inputs: Any, text: str, text_pair: str | None) -> Dataset:
    """Return the inputs of `predict` as rows with the columns of the task.

    Args:
        inputs: a text, a list of texts, for sentence-pair tasks a pair or a list of pairs, a `Dataset` with these
            columns, or the `Path` of a file with them.
        text: column of the text.
        text_pair: column of the second text, if the task has one.

    Raises:
        DataError: the inputs are of another type, or there are none.
    """
    if isinstance(inputs, Path):
        inputs = open_tables(inputs).pick_first()
    if isinstance(inputs, Dataset):
        return inputs
    if isinstance(inputs, Mapping) or hasattr(inputs, "columns"):
        raise DataError(
            f"predict() does not accept a {type(inputs).__name__}: give texts, pairs of texts, a Dataset or a Path."
        )
    single = isinstance(inputs, str) or (isinstance(inputs, tuple) and text_pair is not None)
    items: Sequence[Any] = [inputs] if single else list(inputs) if isinstance(inputs, Iterable) else []
    if not items:
        raise DataError(f"There is nothing to predict in {inputs!r}: give texts, pairs of texts or a Dataset.")
    if text_pair is None:
        wrong = next((item for item in items if not isinstance(item, str)), None)
        if wrong is not None:
            raise DataError(f"{wrong!r} is not a text: the task takes single texts (column {text!r}), give strings.")
        return Dataset.from_dict({text: items})
    for item in items:
        if not isinstance(item, tuple | list) or len(item) != 2 or not all(isinstance(part, str) for part in item):
            raise DataError(f"{item!r} is not a pair of texts: the task takes pairs ({text!r}, {text_pair!r}).")
    return Dataset.from_dict({text: [item[0] for item in items], text_pair: [item[1] for item in items]})
