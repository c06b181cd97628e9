"""Stock BERT heads whose training forward computes masked positions only.

In BERT-base the masked-language-model head is about a fifth of the arithmetic of a training step when it computes every
position, and 85% of that would be thrown away. Shapes: batch, seq, hidden, vocab as in transformers; `predictions` is
the number of masked positions of a batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel
from transformers.utils import ModelOutput

from ..modeling.loading import config_from_scratch, load_pretrained
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


# The classes carry the stock names because `save_pretrained` writes the name of the class into config.json, and a
# checkpoint of the kit is a stock checkpoint.
class BertForPreTraining(transformers.BertForPreTraining):
    """`transformers.BertForPreTraining`; with both labels its forward returns a `PretrainingOutput`."""

    predictions_bound: Callable[[int], int] | None = None
    """Length of a batch → largest number of predictions in a sequence of it. Fixes the shapes of the head, for devices
    that compile each of them; none means as many as there are."""

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        next_sentence_label: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Score each example, or without labels do what the stock forward does."""
        if labels is None or next_sentence_label is None or input_ids is None:
            return super().forward(
                input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, labels=labels,
                next_sentence_label=next_sentence_label, **kwargs
            )  # fmt: skip
        encoded = self.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        output = score_predictions(self.cls.predictions, encoded.last_hidden_state, labels, self)
        logits = self.cls.seq_relationship(encoded.pooler_output).float()  # (batch, 2)
        output.pair_loss = cross_entropy(logits, next_sentence_label, ignore_index=IGNORED, reduction="none")
        if not self.training:
            output.pair_correct = (logits.argmax(-1) == next_sentence_label).long()
        return output


class BertForMaskedLM(transformers.BertForMaskedLM):
    """`transformers.BertForMaskedLM`; with labels its forward returns a `PretrainingOutput` without pairs."""

    predictions_bound: Callable[[int], int] | None = None
    """As in `BertForPreTraining`."""

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Score each example, or without labels do what the stock forward does."""
        if labels is None or input_ids is None:
            return super().forward(
                input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, labels=labels, **kwargs
            )
        encoded = self.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return score_predictions(self.cls.predictions, encoded.last_hidden_state, labels, self)


def score_predictions(head: nn.Module, hidden: Tensor, labels: Tensor, model: Any) -> PretrainingOutput:
    """Run the head on the positions to predict out of (batch, seq, hidden), and sum up by example."""
    bound = None if model.predictions_bound is None else model.predictions_bound(labels.shape[1])
    selected, targets, rows = select_predictions(hidden, labels, bound)
    logits = head(selected).float()  # (predictions, vocab)
    losses = cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")
    zeros = torch.zeros(labels.shape[0], dtype=torch.float32, device=labels.device)
    output = PretrainingOutput(mlm_loss=zeros.index_add(0, rows, losses))
    if not model.training:
        correct = (logits.argmax(-1) == targets).long()
        output.mlm_correct = torch.zeros_like(labels[:, 0]).index_add(0, rows, correct)
        output.mlm_count = (labels != IGNORED).sum(1)
    return output


def select_predictions(
    hidden: Tensor, labels: Tensor, max_predictions: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Pick the positions to predict out of (batch, seq, hidden).

    Returns:
        hidden (predictions, hidden), targets (predictions,), and the row of each (predictions,). With
        `max_predictions` there are always batch * max_predictions of them, the surplus ones with the target -100.
    """
    batch, seq = labels.shape
    if max_predictions is None:
        positions = (labels.view(-1) != IGNORED).nonzero().squeeze(1)
    else:
        first = (labels != IGNORED).long().argsort(dim=1, descending=True, stable=True)[:, :max_predictions]
        positions = (first + torch.arange(batch, device=labels.device).unsqueeze(1) * seq).view(-1)
    rows = torch.div(positions, seq, rounding_mode="floor")
    return hidden.reshape(batch * seq, -1).index_select(0, positions), labels.view(-1)[positions], rows


HEADS: dict[str, type[PreTrainedModel]] = {
    "nsp": BertForPreTraining,
    "sop": BertForPreTraining,
    "none": BertForMaskedLM,
}


def build_model(
    initial_model: Any,
    objective: str,
    vocab_size: int,
    pad_token_id: int = 0,
    predictions_bound: Callable[[int], int] | None = None,
) -> tuple[PreTrainedModel, list[str]]:
    """Return a model to pretrain and the modules of it that are newly initialized.

    Args:
        initial_model: a Hub id or folder to continue from, a `BertConfig`, or the name of a size.
        objective: models of nsp and sop have a pair head, those of none do not.
        vocab_size: size of the vocabulary, for a model named by its size.
        pad_token_id: of the tokenizer, for new weights.
        predictions_bound: as in `BertForPreTraining`.

    Raises:
        ModelError: it cannot be loaded, is not a BERT, or its encoder would be newly initialized.
    """
    head = HEADS[objective]
    config = config_from_scratch(initial_model, vocab_size, pad_token_id)
    model: Any
    if config is not None:
        model, new = head(config), ["all weights"]
    else:
        model, new = load_pretrained(head, str(initial_model))
    model.predictions_bound = predictions_bound
    return model, new
