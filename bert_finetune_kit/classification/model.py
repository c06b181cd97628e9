"""Stock `BertForSequenceClassification` that takes windows of long texts and keeps the losses of examples apart.

Shapes: windows is the number of sequences of a batch, batch that of its examples; without windows they are the same.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from transformers import BertConfig
from transformers.utils import ModelOutput

from ..modeling.loading import checkpoint_config, config_from_scratch, load_pretrained
from .label_order import PROBLEM_TYPES, check_label_order
from .labels import LabelSet

HEAD = "classifier"
_OTHER_HEADS = ("ForTokenClassification", "ForMultipleChoice")


@dataclass
class ClassificationOutput(ModelOutput):
    """Losses and logits of each example."""

    losses: Tensor | None = None
    """(batch,) or (batch, labels) float: losses times their weights."""
    logits: Tensor | None = None
    """(batch, labels) float."""
    labels: Tensor | None = None
    """(batch,) or (batch, labels), as in the batch."""


# The class carries the stock name because `save_pretrained` writes the name of the class into config.json, and a
# checkpoint of the kit is a stock checkpoint.
class BertForSequenceClassification(transformers.BertForSequenceClassification):
    """`transformers.BertForSequenceClassification`; with windows its forward returns a `ClassificationOutput`."""

    label_smoothing: float = 0.0

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        weights: Tensor | None = None,
        window_example: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the outputs of each example; without `window_example` those of the stock forward."""
        if window_example is None:
            return super().forward(
                input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, labels=labels, **kwargs
            )
        logits = super().forward(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits.float()
        batch = len(labels) if labels is not None else int(window_example[-1]) + 1
        logits = pool_windows(logits, window_example, batch)
        if labels is None:
            return ClassificationOutput(logits=logits)
        losses = example_losses(logits, labels, str(self.config.problem_type), self.label_smoothing)
        if weights is not None:
            losses = losses * weights
        return ClassificationOutput(losses=losses, logits=logits, labels=labels)


def pool_windows(logits: Tensor, window_example: Tensor, batch: int) -> Tensor:
    """Return the mean logits of the windows of each example, (windows, labels) → (batch, labels).

    Windows of the row `batch`, the one after the last example, are padding.
    """
    if len(logits) == batch:
        return logits
    sums = logits.new_zeros(batch + 1, logits.shape[1]).index_add(0, window_example, logits)
    counts = logits.new_zeros(batch + 1).index_add(0, window_example, torch.ones_like(logits[:, 0]))
    return sums[:batch] / counts[:batch].unsqueeze(1)


def example_losses(logits: Tensor, labels: Tensor, problem_type: str, label_smoothing: float = 0.0) -> Tensor:
    """Return the loss of each example, in a multi_label task of each of its labels, in the shape of `labels`."""
    if problem_type == "regression":
        return mse_loss(logits.squeeze(-1), labels, reduction="none")
    if problem_type == "multi_label_classification":
        return binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)


def build_model(
    model_name_or_path: Any, labels: LabelSet, vocab_size: int, new_head: bool = False, pad_token_id: int = 0
) -> tuple[BertForSequenceClassification, list[str]]:
    """Return a classifier and its modules whose weights were newly initialized.

    Args:
        model_name_or_path: a Hub id or folder to start from, a `BertConfig`, or the name of a size.
        labels: to predict.
        vocab_size: size of the vocabulary, for a model named by its size.
        new_head: initialize a new head even if the checkpoint has one.
        pad_token_id: of the tokenizer, for new weights.

    Raises:
        ModelError: it cannot be loaded, is not a BERT model, or has a head for other labels.
    """
    config = config_from_scratch(model_name_or_path, vocab_size, pad_token_id)
    if config is not None:
        return BertForSequenceClassification(_with_labels(config, labels)), ["all weights"]
    checkpoint = str(model_name_or_path)
    config = checkpoint_config(checkpoint)
    # Heads of these architectures have the same name and another purpose.
    new_head |= any(name.endswith(_OTHER_HEADS) for name in config.architectures or ())
    has_head = any("ForSequenceClassification" in name for name in config.architectures or ())
    if has_head and not new_head:
        check_label_order(labels, config, checkpoint)
    model, new = load_pretrained(
        BertForSequenceClassification, checkpoint, (HEAD,) if new_head else (), config=_with_labels(config, labels)
    )
    if new_head and HEAD not in new:
        nn.init.normal_(model.classifier.weight, std=model.config.initializer_range)
        nn.init.zeros_(model.classifier.bias)
        new = [*new, HEAD]
    if not has_head and HEAD not in new:  # the config does not name the architecture, and there is a head all the same
        check_label_order(labels, config, checkpoint)
    return model, new


def _with_labels(config: BertConfig, labels: LabelSet) -> BertConfig:
    config = copy.deepcopy(config)
    config.problem_type = PROBLEM_TYPES[labels.kind]  # type: ignore[assignment]
    if labels.kind == "regression":
        config.num_labels = 1
    else:
        config.id2label = dict(enumerate(labels.names))
        config.label2id = {name: number for number, name in enumerate(labels.names)}
    return config


def reorder_outputs(model: BertForSequenceClassification, names: Sequence[str], outputs: Sequence[int]) -> None:
    """Give the outputs of a head the order and the names of a task's labels.

    Args:
        model: changed in place.
        names: of the labels.
        outputs: output of each label so far.
    """
    head = model.classifier
    with torch.no_grad():
        head.weight.copy_(head.weight[list(outputs)])
        head.bias.copy_(head.bias[list(outputs)])
    model.config.id2label = dict(enumerate(names))
    model.config.label2id = {name: number for number, name in enumerate(names)}


def loss_sums(output: ClassificationOutput) -> dict[str, Tensor]:
    """Return the summed loss of a batch."""
    assert output.losses is not None
    return {"label": output.losses.sum()}


def num_items(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the sum of the weights of a batch, the divisor of its loss."""
    return {"label": batch["weights"].sum()}
