"""Logits of a stock classification head → logits and losses of examples, which may be several windows of a long text.

Shapes: windows is the number of sequences of a batch, batch that of its examples; without windows they are the same.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from ..contract import Batch
from ..modeling.architecture import MODEL_INPUTS, head_class, head_modules, new_head_modules
from ..modeling.loading import checkpoint_config, config_from_scratch, initialize_head, load_pretrained
from ..modeling.output_scale import scale_output
from .label_order import PROBLEM_TYPES, check_label_order
from .labels import LabelSet

_TASK = "SequenceClassification"
_ALL_WEIGHTS = "all weights"
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


def forward(model: Any, batch: Batch, kind: str, label_smoothing: float = 0.0) -> ClassificationOutput:
    """Return logits, and with labels the losses, of each example of a batch.

    Args:
        model: a stock classifier, as it is or wrapped by peft, DDP or `torch.compile`.
        batch: as `DataCollatorForClassification` returns it.
        kind: of the task: single_label, multi_label or regression.
        label_smoothing: of the cross-entropy.
    """
    logits = model(**{name: batch[name] for name in MODEL_INPUTS if name in batch}).logits.float()
    labels, window_example = batch.get("labels"), batch["window_example"]
    logits = pool_windows(logits, window_example, _example_count(batch))
    if labels is None:
        return ClassificationOutput(logits=logits)
    losses = example_losses(logits, labels, kind, label_smoothing) * batch["weights"]
    return ClassificationOutput(losses=losses, logits=logits, labels=labels)


def _example_count(batch: Batch) -> int:
    """Return how many examples a batch has; a shape tells it, unless the batch has neither labels nor counts."""
    for name in ("window_counts", "labels"):
        if name in batch:
            return len(batch[name])
    return int(batch["window_example"][-1]) + 1


def pool_windows(logits: Tensor, window_example: Tensor, batch: int) -> Tensor:
    """Return the mean logits of the windows of each example, (windows, labels) → (batch, labels).

    Windows of the row `batch`, the one after the last example, are padding.
    """
    if len(logits) == batch:
        return logits
    sums = logits.new_zeros(batch + 1, logits.shape[1]).index_add(0, window_example, logits)
    counts = logits.new_zeros(batch + 1).index_add(0, window_example, torch.ones_like(logits[:, 0]))
    return sums[:batch] / counts[:batch].unsqueeze(1)


def example_losses(logits: Tensor, labels: Tensor, kind: str, label_smoothing: float = 0.0) -> Tensor:
    """Return the loss of each example, in a multi_label task of each of its labels, in the shape of `labels`."""
    if kind == "regression":
        return mse_loss(logits.squeeze(-1), labels, reduction="none")
    if kind == "multi_label":
        return binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)


def build_model(
    model_name_or_path: Any, labels: LabelSet, vocab_size: int, new_head: bool = False, pad_token_id: int = 0
) -> tuple[PreTrainedModel, list[str]]:
    """Return a classifier and its modules whose weights were newly initialized.

    Args:
        model_name_or_path: a Hub id or folder to start from, a config, or the name of a size.
        labels: to predict.
        vocab_size: size of the vocabulary, for a model named by its size.
        new_head: initialize a new head even if the checkpoint has one.
        pad_token_id: of the tokenizer, for new weights.

    Raises:
        ModelError: it cannot be loaded, is not an encoder, or has a head for other labels.
    """
    config = config_from_scratch(model_name_or_path, vocab_size, pad_token_id)
    if config is not None:
        head: Any = head_class(config, _TASK)
        return head(_with_labels(config, labels)), [_ALL_WEIGHTS]
    checkpoint = str(model_name_or_path)
    config = checkpoint_config(checkpoint)
    # Heads of these architectures have the same name and another purpose.
    new_head |= any(name.endswith(_OTHER_HEADS) for name in config.architectures or ())
    has_head = any("ForSequenceClassification" in name for name in config.architectures or ())
    if has_head and not new_head:
        check_label_order(labels, config, checkpoint)
    model, new = load_pretrained(head_class(config, _TASK), checkpoint, new_head, config=_with_labels(config, labels))
    if new_head:
        new = initialize_head(model, new)
    if not has_head and not new_head_modules(model, new):  # the config names no architecture, and there is a head
        check_label_order(labels, config, checkpoint)
    return model, new


def build_model_to_train(targets: np.ndarray, labels: LabelSet, **settings: Any) -> tuple[PreTrainedModel, list[str]]:
    """As `build_model`; a new head of a regression gets the scale of the targets.

    Args:
        targets: of the training examples.
        labels: to predict.
        settings: further arguments of `build_model`.
    """
    model, new = build_model(labels=labels, **settings)
    if labels.kind == "regression" and (_ALL_WEIGHTS in new or new_head_modules(model, new)):
        scale_output(output_layer(model, 1), targets.mean(), targets.std())
    return model, new


def _with_labels(config: PretrainedConfig, labels: LabelSet) -> PretrainedConfig:
    config = copy.deepcopy(config)
    config.problem_type = PROBLEM_TYPES[labels.kind]  # type: ignore[assignment]
    if labels.kind == "regression":
        config.num_labels = 1
    else:
        config.id2label = dict(enumerate(labels.names))
        config.label2id = {name: number for number, name in enumerate(labels.names)}
    return config


def reorder_outputs(model: PreTrainedModel, names: Sequence[str], outputs: Sequence[int]) -> None:
    """Give the outputs of a head the order and the names of a task's labels.

    Args:
        model: changed in place.
        names: of the labels.
        outputs: output of each label so far.
    """
    with torch.no_grad():
        for parameter in output_layer(model, len(outputs)).parameters():
            parameter.copy_(parameter[list(outputs)])
    model.config.id2label = dict(enumerate(names))
    model.config.label2id = {name: number for number, name in enumerate(names)}


def output_layer(model: PreTrainedModel, outputs: int) -> nn.Linear:
    """Return the last layer of a classification head."""
    modules = [module for name in head_modules(model) for module in getattr(model, name).modules()]
    return [module for module in modules if isinstance(module, nn.Linear) and module.out_features == outputs][-1]


def loss_sums(output: ClassificationOutput) -> dict[str, Tensor]:
    """Return the summed loss of a batch."""
    assert output.losses is not None
    return {"label": output.losses.sum()}


def num_items(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the sum of the weights of a batch, the divisor of its loss."""
    return {"label": batch["weights"].sum()}
