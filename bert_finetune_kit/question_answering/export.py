"""What an exported model needs to answer questions, and what it says of a split beside the model it was made from."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from ..calibration.saved import NOT_CALIBRATED
from ..contract import Batch, LoadedModel, SplitOutputs
from ..errors import ConfigError
from ..inference.batches import run_batches
from ..modeling.architecture import MODEL_INPUTS
from .data import QAData
from .exported import ExportedReader
from .predict import NO_THRESHOLD
from .predictions import decode
from .question_spans import WindowSpans, best_window_spans

MODEL_OUTPUTS = ("start_logits", "end_logits")
_SEARCH = ("max_length", "doc_stride", "max_question_length", "n_best", "max_answer_length")


def use_of(recipe: Any, trained: LoadedModel) -> dict[str, Any]:
    """Return the settings that an exported model is used with.

    Args:
        recipe: of the model.
        trained: the model.

    Raises:
        ConfigError: the threshold is not known.
    """
    if trained.usage is None:
        raise ConfigError(NO_THRESHOLD)
    return {
        "search": {name: getattr(recipe.config, name) for name in _SEARCH},
        "threshold": float(trained.usage),
        "temperatures": (trained.calibration or NOT_CALIBRATED).fitted,
        "threshold_basis": asdict(trained.threshold_basis),
        "measured_on": asdict((trained.calibration or NOT_CALIBRATED).measured_on),
    }


def as_trained(data: QAData, trained: LoadedModel) -> QAData:
    """Return the data of a run as those of an evaluation of its model, at its threshold."""
    return replace(data, threshold=trained.usage, calibration=trained.calibration or NOT_CALIBRATED)


def kit_outputs(trained: LoadedModel, data: QAData, batch_size: int) -> dict[str, SplitOutputs]:
    """Return what the model says of the validation split in the kit."""
    ((name, examples),) = data.validation.items()
    lengths, config = data.validation_split.windows.lengths, trained.forward
    search = _search(config)
    spans = _empty(len(examples), search[0])
    logits = [np.full((2, length), np.nan, np.float32) for length in lengths.tolist()]
    for indices, (start, end, mask) in run_batches(
        trained.model, examples, lengths, data.collator, batch_size, _logits
    ):
        best = best_window_spans(start, end, mask, *search)
        for field, values in vars(best).items():
            getattr(spans, field)[indices] = values
        for row, index in enumerate(indices.tolist()):
            logits[index] = np.stack([start[row, : lengths[index]], end[row, : lengths[index]]])
    return {name: _outputs(data, spans, logits)}


def exported_outputs(model: ExportedReader, data: QAData, batch_size: int) -> dict[str, SplitOutputs]:
    """Return what the exported model says of the questions of the validation split."""
    rows = data.validation_split.rows
    read = model.read(rows["question"][:], rows["context"][:], batch_size)
    return {name: _outputs(data, read.spans, read.logits) for name in data.validation}


def _logits(model: Any, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the logits of starts and ends, -inf in the padding, and the tokens of the context, (windows, seq) each."""
    stock = model(**{name: batch[name] for name in MODEL_INPUTS if name in batch})
    padding = batch["attention_mask"].cpu().numpy() == 0
    start, end = (
        np.where(padding, np.float32(-np.inf), values.float().cpu().numpy())
        for values in (stock.start_logits, stock.end_logits)
    )
    return start, end, batch["context_mask"].bool().cpu().numpy()


def _search(forward: Any) -> tuple[int, int]:
    """Return `n_best` and `max_answer_length` of `span_forward`."""
    return forward.keywords["n_best"], forward.keywords["max_answer_length"]


def _empty(windows: int, n_best: int) -> WindowSpans:
    shape = (windows, n_best)
    return WindowSpans(
        np.zeros(shape, np.float32), np.zeros(shape, int), np.zeros(shape, int), np.zeros(windows, np.float32)
    )


def _outputs(data: QAData, spans: WindowSpans, logits: Sequence[np.ndarray]) -> SplitOutputs:
    split = data.validation_split
    windows = split.windows
    in_loss = np.ones(len(windows)) if split.examples.in_loss is None else split.examples.in_loss
    losses = np.array([
        (_cross_entropy(row[0], start) + _cross_entropy(row[1], end)) / 2
        for row, start, end in zip(logits, windows.start.tolist(), windows.end.tolist(), strict=True)
    ])  # fmt: skip
    predictions = decode(spans, windows, split.examples.tokens, split.contexts)
    abstains = predictions.spans.no_answer > (1.0 if data.threshold is None else data.threshold)
    decisions = [None if none else text for text, none in zip(predictions.texts, abstains.tolist(), strict=True)]
    flat = np.concatenate([row.ravel() for row in logits])
    return SplitOutputs((losses * in_loss, *vars(spans).values()), flat, decisions)


def _cross_entropy(logits: np.ndarray, target: int) -> float:
    highest = logits.max()
    return float(highest + np.log(np.exp(logits - highest).sum()) - logits[target])
