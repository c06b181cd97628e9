"""Logits of stock heads for masked words and pairs → losses and scores of examples.

In BERT-base the masked-language-model head is about a fifth of the arithmetic of a training step when it computes every
position, and 85% of that would be thrown away. Shapes: batch, seq, hidden, vocab as in transformers; `predictions` is
the number of masked positions of a batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from ..contract import Batch, BuiltModel
from ..modeling.architecture import MODEL_INPUTS, head_class, pair_head_class
from ..modeling.loading import checkpoint_config, config_from_scratch, load_pretrained
from ..modeling.selection import Selection, pair_logits, select_positions, token_logits
from .collator import IGNORED


@dataclass
class PretrainingOutput(ModelOutput):
    """What each example contributes to losses and, in evaluation, to scores: sums are exact for any batch size."""

    mlm_loss: Tensor | None = None
    """(batch,) float: cross-entropy in nats, summed over the predicted tokens of each example."""
    mlm_correct: Tensor | None = None
    """(batch,) int: predicted tokens whose most likely id is the original."""
    mlm_count: Tensor | None = None
    """(batch,) int: predicted tokens."""
    pair_loss: Tensor | None = None
    """(batch,) float: cross-entropy of the pair objective in nats."""
    pair_correct: Tensor | None = None
    """(batch,) int: whether the more likely pair label is the true one."""


def forward(
    model: Any,
    batch: Batch,
    selection: Selection | None = None,
    predictions_bound: Callable[[int], int] | None = None,
) -> PretrainingOutput:
    """Score each example of a batch.

    Args:
        model: a stock model with a head for masked words and, where the batch has labels of pairs, one for pairs; as it
            is or wrapped by DDP or `torch.compile`.
        batch: as `DataCollatorForPreTraining` returns it.
        selection: sets the positions that the head computes; none means that it computes all of them.
        predictions_bound: length of a batch → largest number of predictions in a sequence of it. Fixes the shapes of
            the head where a batch comes without its positions, for devices that compile each of them; none means as
            many as there are.
    """
    labels = batch["labels"]
    positions = batch.get("prediction_positions")
    if positions is None:
        bound = None if predictions_bound is None else predictions_bound(labels.shape[1])
        positions = prediction_positions(labels, bound)
    inputs = {name: batch[name] for name in MODEL_INPUTS if name in batch}
    if selection is None:
        stock = model(**inputs)
        logits = token_logits(stock).flatten(0, 1).index_select(0, positions).float()
    else:
        selection.positions = positions
        try:
            stock = model(**inputs)
        finally:
            selection.positions = None
        logits = token_logits(stock).flatten(0, 1).float()  # (predictions, vocab)
    output = score_predictions(logits, labels, positions, with_scores=not model.training)
    if "next_sentence_label" in batch:
        pairs, truth = pair_logits(stock).float(), batch["next_sentence_label"]  # (batch, 2), (batch,)
        output.pair_loss = cross_entropy(pairs, truth, ignore_index=IGNORED, reduction="none")
        if not model.training:
            output.pair_correct = (pairs.argmax(-1) == truth).long()
    return output


def score_predictions(logits: Tensor, labels: Tensor, positions: Tensor, with_scores: bool) -> PretrainingOutput:
    """Sum up losses, and where asked for what was predicted rightly, by example.

    Args:
        logits: (predictions, vocab).
        labels: (batch, seq), -100 where nothing is predicted.
        positions: of the logits in the flattened labels, (predictions,).
        with_scores: whether to count, too.
    """
    targets = labels.view(-1).index_select(0, positions)

    def by_example(values: Tensor) -> Tensor:
        # Not by index_add, which adds in another order in each call on a GPU.
        zeros = values.new_zeros(labels.numel())
        return zeros.index_copy(0, positions, values).view_as(labels).sum(1)

    output = PretrainingOutput(
        mlm_loss=by_example(cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none"))
    )
    if with_scores:
        output.mlm_correct = by_example((logits.argmax(-1) == targets).long())
        output.mlm_count = (labels != IGNORED).sum(1)
    return output


def prediction_positions(labels: Tensor, max_predictions: int | None = None) -> Tensor:
    """Return the positions to predict in the flattened (batch * seq) labels, (predictions,) int64.

    With `max_predictions` there are always batch * max_predictions of them, the surplus ones with the target -100.
    """
    if max_predictions is None:
        return (labels.view(-1) != IGNORED).nonzero().squeeze(1)
    batch, seq = labels.shape
    first = (labels != IGNORED).long().argsort(dim=1, descending=True, stable=True)[:, :max_predictions]
    return (first + torch.arange(batch, device=labels.device).unsqueeze(1) * seq).view(-1)


def build_model(
    initial_model: Any, objective: str, vocab_size: int, pad_token_id: int = 0
) -> tuple[PreTrainedModel, list[str]]:
    """Return a model to pretrain and the modules of it that are newly initialized.

    Args:
        initial_model: a Hub id or folder to continue from, a config, or the name of a size.
        objective: models of nsp and sop have a pair head, those of none do not.
        vocab_size: size of the vocabulary, for a model named by its size.
        pad_token_id: of the tokenizer, for new weights.

    Raises:
        ModelError: it cannot be loaded, has no such heads, or its encoder would be newly initialized.
    """
    config = config_from_scratch(initial_model, vocab_size, pad_token_id)
    if config is not None:
        head: Any = _head_class(config, objective)
        return head(config), ["all weights"]
    return load_pretrained(_head_class(checkpoint_config(initial_model), objective), str(initial_model))


def with_forward(
    model: PreTrainedModel, new: Sequence[str], predictions_bound: Callable[[int], int] | None = None
) -> BuiltModel:
    """Return a model with the `forward` that computes its head on masked positions alone, where it can.

    Args:
        model: as `build_model` returns it.
        new: modules of it that are newly initialized.
        predictions_bound: as `forward` takes it.
    """
    selection = select_positions(model)
    notes = () if selection else ("This head computes all positions, not the masked ones alone",)
    score = partial(forward, selection=selection, predictions_bound=predictions_bound)
    return BuiltModel(model, tuple(new), score, notes)


def _head_class(config: PretrainedConfig, objective: str) -> type[PreTrainedModel]:
    return head_class(config, "MaskedLM") if objective == "none" else pair_head_class(config)
