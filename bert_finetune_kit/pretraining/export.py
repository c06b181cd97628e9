"""What an exported model needs to fill masks, and what it says of a split beside the model it was made from."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..contract import LoadedModel, SplitOutputs
from ..errors import ConfigError
from ..modeling.architecture import MODEL_INPUTS, max_positions
from ..modeling.selection import pair_logits, token_logits
from .data import PretrainData
from .exported import ExportedMaskFiller, vocabulary_logits
from .metrics import OUTPUT_FIELDS
from .model import prediction_positions, score_predictions

MODEL_OUTPUTS = ("logits", "prediction_logits", "seq_relationship_logits", "sop_logits")
_BATCH = 8  # the logits of a text are as many as its tokens times the vocabulary
_COMPARED = 64  # tokens of the vocabulary whose logits are compared at each masked word
_PAIRS = ("seq_relationship_logits", "sop_logits")
Run = Callable[[dict[str, np.ndarray]], tuple[np.ndarray, np.ndarray | None]]
"""Inputs of a batch → logits of tokens (batch, seq, vocab), and of pairs (batch, 2) where there is a head for them."""


def use_of(recipe: Any, trained: LoadedModel) -> dict[str, Any]:
    """Return the settings that an exported model is used with.

    Args:
        recipe: of the model.
        trained: the model.

    Raises:
        ConfigError: the tokenizer has no mask.
    """
    mask = trained.tokenizer.mask_token
    if mask is None:
        raise ConfigError("The tokenizer has no mask token, and masked words cannot be predicted without one.")
    positions = max_positions(trained.model.config)
    return {"mask_token": str(mask), "max_length": recipe.config.max_length if positions is None else positions}


def as_trained(data: PretrainData, trained: LoadedModel) -> PretrainData:
    """Return the data of a run as those of an evaluation of its model."""
    return data


def kit_outputs(trained: LoadedModel, data: PretrainData, batch_size: int) -> dict[str, SplitOutputs]:
    """Return what the model says of the masked words of the validation split in the kit."""
    model = trained.model.eval()

    def run(feeds: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        with torch.inference_mode():
            stock = model(**{name: torch.from_numpy(values).to(model.device) for name, values in feeds.items()})
        has_pairs = any(getattr(stock, name, None) is not None for name in _PAIRS)
        pairs = pair_logits(stock).float().cpu().numpy() if has_pairs else None
        return token_logits(stock).float().cpu().numpy(), pairs

    return _outputs(data, run)


def exported_outputs(model: ExportedMaskFiller, data: PretrainData, batch_size: int) -> dict[str, SplitOutputs]:
    """Return what the exported model says of the same masked words."""

    def run(feeds: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        outputs = model.encoder.session.run(feeds)
        return vocabulary_logits(outputs), next((outputs[name] for name in _PAIRS if name in outputs), None)

    return _outputs(data, run)


def _outputs(data: PretrainData, run: Run) -> dict[str, SplitOutputs]:
    ((name, examples),) = data.validation.items()
    columns: dict[str, list[np.ndarray]] = {}
    compared, decisions = [], []
    for start in range(0, len(examples), _BATCH):
        batch = data.collator([examples[number] for number in range(start, min(start + _BATCH, len(examples)))])
        logits, pairs = run({key: batch[key].numpy() for key in MODEL_INPUTS if key in batch})
        positions = prediction_positions(batch["labels"])
        masked = torch.from_numpy(logits).flatten(0, 1)[positions]
        scored = score_predictions(masked, batch["labels"], positions, with_scores=True)
        if pairs is not None and "next_sentence_label" in batch:
            truth = batch["next_sentence_label"]
            scored.pair_loss = torch.nn.functional.cross_entropy(torch.from_numpy(pairs), truth, reduction="none")
            scored.pair_correct = (torch.from_numpy(pairs).argmax(-1) == truth).long()
            compared.append(pairs.ravel())
        for field in OUTPUT_FIELDS:
            values = getattr(scored, field)
            if values is not None:
                columns.setdefault(field, []).append(values.numpy())
        step = max(masked.shape[1] // _COMPARED, 1)
        compared.append(masked[:, ::step].numpy().ravel())
        decisions += masked.argmax(-1).tolist()
    outputs = tuple(np.concatenate(parts) for parts in columns.values())
    return {name: SplitOutputs(outputs, np.concatenate(compared), decisions)}
