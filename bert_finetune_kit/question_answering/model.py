"""Stock `BertForQuestionAnswering` that returns the loss of each window and, in evaluation, its best spans.

The logits of a window never leave the device: `n_best` spans a window are all that an answer needs, and rows of one
width can be gathered from batches of any length.
"""

from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import BertConfig
from transformers.utils import ModelOutput

from ..modeling.loading import checkpoint_config, config_from_scratch, load_pretrained
from .config import QAConfig
from .spans import best_spans

HEAD = "qa_outputs"
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


# The class carries the stock name because `save_pretrained` writes the name of the class into config.json, and a
# checkpoint of the kit is a stock checkpoint.
class BertForQuestionAnswering(transformers.BertForQuestionAnswering):
    """`transformers.BertForQuestionAnswering`; with a context mask its forward returns a `QAOutput`."""

    n_best: int = 20
    max_answer_length: int = 30

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        context_mask: Tensor | None = None,
        weights: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Score each window, or without a context mask do what the stock forward does."""
        if context_mask is None or attention_mask is None:
            return super().forward(
                input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids,
                start_positions=start_positions, end_positions=end_positions, **kwargs
            )  # fmt: skip
        stock = super().forward(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        # An answer cannot begin in the padding, and the loss of a window must not depend on what it is padded to.
        start, end = (
            logits.float().masked_fill(attention_mask == 0, -torch.inf)
            for logits in (stock.start_logits, stock.end_logits)
        )
        output = QAOutput()
        if start_positions is not None and end_positions is not None:
            losses = (
                cross_entropy(start, start_positions, reduction="none")
                + cross_entropy(end, end_positions, reduction="none")
            ) / 2
            output.losses = losses if weights is None else losses * weights
        if not self.training:
            spans = best_spans(start, end, context_mask.bool(), self.n_best, self.max_answer_length)
            output.span_scores, output.span_starts, output.span_ends, output.null_scores = spans
        return output


def build_model(
    initial_model: Any, vocab_size: int, config: QAConfig, pad_token_id: int = 0
) -> tuple[BertForQuestionAnswering, list[str]]:
    """Return a model for question answering and the modules of it that are newly initialized.

    Args:
        initial_model: a Hub id or folder to start from, a `BertConfig`, or the name of a size.
        vocab_size: size of the vocabulary, for a model named by its size.
        config: how its spans are searched.
        pad_token_id: of the tokenizer, for new weights.

    Raises:
        ModelError: it cannot be loaded, or is not a BERT.
    """
    model_config = config_from_scratch(initial_model, vocab_size, pad_token_id)
    if model_config is not None:
        model, new = BertForQuestionAnswering(_with_two_outputs(model_config)), ["all weights"]
    else:
        model_config = _with_two_outputs(checkpoint_config(str(initial_model)))
        model, new = load_pretrained(BertForQuestionAnswering, str(initial_model), config=model_config)
    model.n_best, model.max_answer_length = config.n_best, config.max_answer_length
    return model, new


def _with_two_outputs(config: BertConfig) -> BertConfig:
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
