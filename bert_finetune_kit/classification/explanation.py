"""Words that a prediction rests on, by integrated gradients over the embeddings of the tokens."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

from ..calibration.saved import NOT_CALIBRATED
from ..contract import Batch, LoadedModel
from ..data.tokenized import TokenizedTexts, encode_texts, text_backend
from ..errors import DataError, ModelError
from ..inference.explanation import Explanation, Stop, WordAttribution, attributed_words
from ..inference.integrated_gradients import integrated_gradients
from ..inference.words import word_spans, words_of_tokens
from ..modeling.architecture import MODEL_INPUTS, takes_token_types
from ..tasks.task import ClassificationTask
from .calibration import scaled
from .collator import DataCollatorForClassification
from .config import ClassificationConfig
from .data import build_examples
from .examples import ClassificationExamples
from .labels import LabelSet
from .predict import to_rows

METHOD = "integrated gradients"
_TOLERANCE = 0.01  # completeness error that is small enough, as a share of the change of the output
_TOKENS_AT_ONCE = 2048  # of all points of a forward and backward
_ROUNDING = 1e-3  # outputs from embeddings and from ids may differ by this share
_NOTHING = Explanation(None, METHOD, (), math.nan)
"""Of an empty text."""


def explain(
    inputs: Any,
    map_rows: Callable[[Dataset], Dataset],
    task: ClassificationTask,
    config: ClassificationConfig,
    trained: LoadedModel,
    label: str | None,
    max_steps: int,
    stop: Stop | None,
) -> list[Explanation]:
    """Return the explanation of each text or pair; one without words where a text is empty.

    Args:
        inputs: as `predict` takes them.
        map_rows: how the recipe changes texts before they are tokenized.
        task: names the columns.
        config: lengths.
        trained: the model, with its labels.
        label: that is explained; none means the likeliest one of each row.
        max_steps: greatest number of steps of the integral.
        stop: as in `integrated_gradients`.

    Raises:
        DataError: the inputs are of another type, or there is no such label.
        ModelError: the model reads more of a token than its embedding.
    """
    target, given = _target(trained.usage, label), to_rows(inputs, task)
    if given is None:
        return []
    rows = map_rows(given)
    texts = list(zip(*(rows[column][:] for column in task.text_columns), strict=True))
    usable = [number for number, row in enumerate(texts) if all(text is not None and text.strip() for text in row)]
    explanations = [_NOTHING] * len(rows)
    if not usable:
        return explanations
    takes_types = takes_token_types(trained.model.config)
    examples = build_examples(rows.select(usable), task, config, trained.tokenizer, takes_types, None)
    was_training = trained.model.training
    trained.model.eval()
    try:
        for place, number in enumerate(usable):
            explanations[number] = _explain(examples, place, texts[number], trained, target, max_steps, stop)
    finally:
        trained.model.train(was_training)
    return explanations


def _target(labels: LabelSet, label: str | None) -> int | None:
    """Return the output that is explained; none means the greatest one."""
    if label is None:
        return None
    if label not in labels.names:
        names = ", ".join(labels.names) or "none, as the model predicts a number"
        raise DataError(f"There is no label {label!r} to explain: the labels are {names}.")
    return labels.names.index(label)


def _explain(
    examples: ClassificationExamples,
    number: int,
    texts: Sequence[str],
    trained: LoadedModel,
    target: int | None,
    max_steps: int,
    stop: Stop | None,
) -> Explanation:
    model, labels = trained.model, trained.usage
    collator = DataCollatorForClassification(trained.tokenizer.pad_token_id, examples.format)
    batch: Batch = {name: values.to(model.device) for name, values in collator([examples[number]]).items()}
    positions = token_positions(examples, number, tuple(batch["input_ids"].shape))
    ids = batch["input_ids"]
    is_text = torch.from_numpy(positions >= 0).to(ids.device)
    mask = trained.tokenizer.mask_token_id
    masked = torch.where(is_text, trained.tokenizer.pad_token_id if mask is None else mask, ids)
    temperatures = (trained.calibration or NOT_CALIBRATED).temperatures
    factors = scaled(np.ones((1, labels.outputs), np.float32), labels, temperatures)
    scale = torch.from_numpy(factors).float().to(ids.device)
    with torch.inference_mode():
        logits = trained.forward(model, batch).logits
    chosen = int((logits * scale)[0].argmax()) if target is None else target

    def outputs(points: Tensor) -> Tensor:
        """Return the outputs (n,) of embeddings (n, windows * seq, hidden) of the batch."""
        return log_odds(trained.forward(model, _repeated(batch, points)).logits * scale, chosen, labels.kind)

    with torch.no_grad():
        embed = model.get_input_embeddings()
        point, baseline = (embed(values).flatten(0, 1) for values in (ids, masked))
        output = float(log_odds(logits * scale, chosen, labels.kind))
        from_point, from_baseline = (float(outputs(values[None])) for values in (point, baseline))
    if abs(from_point - output) > _ROUNDING * max(1.0, abs(output)):
        raise ModelError(
            f"{type(model).__name__} gives {from_point:.4g} for the embeddings of a text and {output:.4g} for its ids: "
            "it reads more of a token than its embedding, and cannot be explained by integrated gradients."
        )
    found = integrated_gradients(
        outputs, point, baseline, from_point - from_baseline, max_steps=max_steps, tolerance=_TOLERANCE,
        points_at_once=max(1, _TOKENS_AT_ONCE // len(point)), stop=stop,
    )  # fmt: skip
    words = _words(texts, examples.texts[number], positions.ravel(), found.values.numpy(), trained.tokenizer)
    name = labels.names[chosen] if labels.names else None
    return Explanation(name, METHOD, tuple(words), from_point, from_baseline, found.error, found.steps)


def log_odds(logits: Tensor, target: int, kind: str) -> Tensor:
    """Return the log-odds of a label, (batch,), of logits (batch, labels); in a regression the number."""
    if kind != "single_label":
        return logits[:, target]
    others = [number for number in range(logits.shape[1]) if number != target]
    return logits[:, target] - logits[:, others].logsumexp(1)


def token_positions(examples: ClassificationExamples, number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return which token of its texts each token of a batch of one example is, (windows, seq) int64.

    Tokens of both texts are counted as one sequence; -1 is a special token or padding.

    Args:
        examples: with the texts.
        number: of the example.
        shape: of the batch.
    """
    first, second = examples.texts[number]
    # Windows of places in place of ids, below 0 and so no special tokens.
    places = -1 - np.arange(len(first) + (0 if second is None else len(second)), dtype=np.int32)
    parts = places[: len(first)], None if second is None else places[len(first) :]
    windows = replace(examples, texts=cast(TokenizedTexts, [parts])).windows(0)
    positions = np.full(shape, -1, np.int64)
    for row, (ids, _) in zip(positions, windows, strict=True):
        row[: len(ids)] = np.maximum(-1 - ids, -1)
    return positions


def _repeated(batch: Batch, points: Tensor) -> Batch:
    """Return the batch of one example with embeddings in place of ids, once for each of the points."""
    count, (windows, seq) = len(points), batch["input_ids"].shape
    repeated = {name: batch[name].repeat(count, 1) for name in MODEL_INPUTS if name in batch and name != "input_ids"}
    repeated["inputs_embeds"] = points.reshape(count * windows, seq, -1)
    repeated["window_example"] = torch.arange(count, device=points.device).repeat_interleave(windows)
    return repeated


def _words(
    texts: Sequence[str],
    tokens: tuple[np.ndarray, np.ndarray | None],
    positions: np.ndarray,
    values: np.ndarray,
    tokenizer: Any,
) -> list[WordAttribution]:
    """Return the words of all texts with the sums of their tokens, which may be in several windows.

    Args:
        texts: one, or two of a pair.
        tokens: ids of each text.
        positions: as `token_positions` returns them, flattened.
        values: of the same tokens.
        tokenizer: of the model.
    """
    lengths = [len(ids) for ids in tokens if ids is not None]
    is_token = positions >= 0
    by_token = np.bincount(positions[is_token], values[is_token], sum(lengths))
    was_read = np.bincount(positions[is_token], minlength=sum(lengths)) > 0
    words: list[WordAttribution] = []
    encode = partial(encode_texts, backend=text_backend(tokenizer))
    start = 0
    for part, (text, length) in enumerate(zip(texts, lengths, strict=True)):
        spans = word_spans(text)
        of_text = slice(start, start + length)
        owners = words_of_tokens([end for _, end in encode([text])[0].offsets], spans)
        sums = np.bincount(owners, by_token[of_text], len(spans))
        read = np.bincount(owners, was_read[of_text], len(spans)) > 0
        words += attributed_words(text, sums.tolist(), read.tolist(), part)
        start += length
    return words
