"""Prediction: texts → labels with their probabilities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset

from ..calibration.saved import NOT_CALIBRATED
from ..compat.datasets import in_memory, no_progress_bars
from ..contract import Forward, LoadedModel
from ..data.labelled import check_columns
from ..data.memory import as_dataset, none_if_missing
from ..data.tables import open_tables
from ..errors import DataError
from ..inference.batches import run_batches
from ..inference.choices import Choices
from ..inference.path_warning import warn_of_paths
from ..modeling.architecture import takes_token_types
from ..tasks.task import ClassificationTask
from .collator import DataCollatorForClassification
from .config import ClassificationConfig
from .data import build_examples
from .examples import ClassificationExamples
from .prediction import EMPTY, Prediction, calibrated, to_predictions
from .prediction import with_prediction as with_prediction


def predict_logits(
    model: Any,
    forward: Forward,
    examples: ClassificationExamples,
    collator: Callable[[list[Any]], Any],
    batch_size: int,
) -> np.ndarray:
    """Return the logits of all examples, (examples, labels) float32; texts of similar length share a batch."""
    lengths = examples.texts.lengths
    logits = np.full((len(examples), model.config.num_labels), np.nan, np.float32)
    for rows, output in run_batches(model, examples, lengths, collator, batch_size, forward):
        logits[rows] = output.logits[: len(rows)].float().cpu().numpy()  # windows of padding add a row
    return logits


def predict_rows(
    rows: Dataset,
    task: ClassificationTask,
    config: ClassificationConfig,
    trained: LoadedModel,
    lengths: Sequence[int] | None,
    batch_size: int,
    choices: Choices,
) -> list[Prediction]:
    """Return a prediction for each row, `EMPTY` for those with an empty text.

    Args:
        rows: with the columns of the task.
        task: names the columns.
        config: lengths and threshold.
        trained: the model, with its labels.
        lengths: that batches may have; none means any.
        batch_size: examples per batch.
        choices: which predictions to refuse, and whether to return sets of labels.
    """
    texts = zip(*(rows[column][:] for column in task.text_columns), strict=True)
    usable = [number for number, row in enumerate(texts) if all(text is not None and text.strip() for text in row)]
    predictions = [EMPTY] * len(rows)
    if not usable:
        return predictions
    with no_progress_bars():
        chosen = rows if len(usable) == len(rows) else rows.select(usable).flatten_indices()
    takes_types, padding = takes_token_types(trained.model.config), trained.tokenizer.pad_token_id
    examples = build_examples(chosen, task, config, trained.tokenizer, takes_types, None, cached=False)
    collator = DataCollatorForClassification(padding, examples.format, lengths=lengths)
    logits = predict_logits(trained.model, trained.forward, examples, collator, batch_size)
    labels, calibration = trained.usage, trained.calibration or NOT_CALIBRATED
    predicted = calibrated(logits, np.zeros(len(logits)), labels, config.threshold, calibration.temperatures)
    for number, prediction in zip(usable, to_predictions(predicted, labels, choices), strict=True):
        predictions[number] = prediction
    return predictions


def to_rows(inputs: Any, task: ClassificationTask) -> Dataset | None:
    """Return the inputs of `predict` as rows with the columns of the task; none where there are none.

    Args:
        inputs: a text, a list of texts, for sentence-pair tasks a pair or a list of pairs; a `Dataset`, a DataFrame, a
            list of dicts or the `Path` of a file with the columns of the task.
        task: names the columns.

    Raises:
        DataError: the inputs are of another type, or a column is missing.
    """
    given = open_tables(inputs).pick_first() if isinstance(inputs, Path) else as_dataset(inputs)
    if isinstance(given, Dataset):
        if not len(given):
            return None
        check_columns(given, task, "given", labelled=False)
        return given
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise DataError(
            f"predict() does not accept a {type(given).__name__}: give texts, pairs of texts, a list of dicts, a "
            "DataFrame, a Dataset or a Path."
        )
    single = isinstance(given, str) or (isinstance(given, tuple) and task.text_pair is not None)
    items: Sequence[Any] = [given] if single else [none_if_missing(item) for item in given]
    if not items:
        return None
    if task.text_pair is None:
        wrong = next((item for item in items if not isinstance(item, str | None)), None)
        if wrong is not None:
            raise DataError(
                f"{wrong!r} is not a text: the task takes single texts (column {task.text!r}), give strings."
            )
        warn_of_paths(items)
        return text_columns([{task.text: item} for item in items], [task.text])
    items = [(None, None) if item is None else item for item in items]
    for item in items:
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise DataError(
                f"{item!r} is not a pair of texts: the task takes pairs ({task.text!r}, {task.text_pair!r})."
            )
    items = [[none_if_missing(part) for part in item] for item in items]
    pairs = [dict(zip((task.text, task.text_pair), item, strict=True)) for item in items]
    return text_columns(pairs, [task.text, task.text_pair])


def text_columns(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Dataset:
    """Return the texts of rows alone; one that is missing is empty.

    Args:
        rows: with these columns.
        columns: of the texts.

    Raises:
        DataError: a text is of another type, or cannot be encoded as UTF-8.
    """
    wrong = next((row[name] for row in rows for name in columns if not isinstance(row.get(name), str | None)), None)
    if wrong is not None:
        raise DataError(f"{wrong!r} is a {type(wrong).__name__}, and a text is needed in {' and '.join(columns)}.")
    try:
        values = {name: ["" if row.get(name) is None else row[name] for row in rows] for name in columns}
        return in_memory({name: pa.array(texts, pa.large_string()) for name, texts in values.items()})
    except UnicodeEncodeError as error:
        raise DataError(f"A text contains a lone surrogate (invalid Unicode): {error}. Remove it.") from error
