"""Logits of a stock question-answering head → the loss of each window and, in evaluation, its best spans.

The logits of a window never leave the device: `n_best` spans a window are all that an answer needs, and rows of one
width can be gathered from batches of any length.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from ..contract import Batch, Forward
from ..modeling.architecture import MODEL_INPUTS, head_class
from ..modeling.loading import checkpoint_config, config_from_scratch, load_pretrained
from .config import QAConfig
from .spans import best_spans

_TASK = "QuestionAnswering"
_OUTPUTS = 2  # start and end


@dataclass
class QAOutput(ModelOutput):
    """What each window contributes to the loss and, in evaluation, to answers."""

    losses: Tensor | None = None
    """(windows,) float: mean of the cross-entropies of start and end, times the weight."""
    span_scores: Tensor | None = None
    """(windows, n_best) float, as in `WindowSpans`."""
    span_starts: Tensor | None = None
    """(windows, n_best) int."""
    span_ends: Tensor | None = None
    """(windows, n_best) int."""
    null_scores: Tensor | None = None
    """(windows,) float."""


def span_forward(config: QAConfig) -> Forward:
    """Return the forward of a model whose spans are searched as `config` says."""
    return partial(forward, n_best=config.n_best, max_answer_length=config.max_answer_length)


def forward(model: Any, batch: Batch, n_best: int, max_answer_length: int) -> QAOutput:
    """Score each window of a batch.

    Args:
        model: a stock model with a question-answering head, as it is or wrapped by peft, DDP or `torch.compile`.
        batch: as `DataCollatorForQuestionAnswering` returns it.
        n_best: spans to return for each window.
        max_answer_length: in tokens.
    """
    stock = model(**{name: batch[name] for name in MODEL_INPUTS if name in batch})
    # An answer cannot begin in the padding, and the loss of a window must not depend on what it is padded to.
    start, end = (
        logits.float().masked_fill(batch["attention_mask"] == 0, -torch.inf)
        for logits in (stock.start_logits, stock.end_logits)
    )
    positions = (batch["start_positions"], batch["end_positions"])
    losses = sum(cross_entropy(*pair, reduction="none") for pair in zip((start, end), positions, strict=True)) / 2
    output = QAOutput(losses=losses * batch["weights"])
    if not model.training:
        spans = best_spans(start, end, batch["context_mask"].bool(), n_best, max_answer_length)
        output.span_scores, output.span_starts, output.span_ends, output.null_scores = spans
    return output


def build_model(initial_model: Any, vocab_size: int, pad_token_id: int = 0) -> tuple[PreTrainedModel, list[str]]:
    """Return a model for question answering and the modules of it that are newly initialized.

    Args:
        initial_model: a Hub id or folder to start from, a config, or the name of a size.
        vocab_size: size of the vocabulary, for a model named by its size.
        pad_token_id: of the tokenizer, for new weights.

    Raises:
        ModelError: it cannot be loaded, or is not an encoder.
    """
    config = config_from_scratch(initial_model, vocab_size, pad_token_id)
    if config is not None:
        head: Any = head_class(config, _TASK)
        return head(_with_two_outputs(config)), ["all weights"]
    config = _with_two_outputs(checkpoint_config(initial_model))
    return load_pretrained(head_class(config, _TASK), str(initial_model), config=config)


def _with_two_outputs(config: PretrainedConfig) -> PretrainedConfig:
    """The stock head has as many outputs as the config has labels, which are a classifier's where it comes from one."""
    if config.num_labels != _OUTPUTS:
        config.num_labels = _OUTPUTS
    return config


def loss_sums(output: QAOutput) -> dict[str, Tensor]:
    """Return the summed loss of a batch."""
    assert output.losses is not None
    return {"span": output.losses.sum()}


def num_items(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the number of windows of a batch that are in the loss."""
    return {"span": batch["weights"].sum()}
