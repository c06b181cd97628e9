"""Pretraining examples → padded batches with masked tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ..data.padding import pad_rows, padded_length, span_mask
from ..data.randomness import MovableRng, Stream
from ..data.vocabulary import continuation_mask, vocabulary_size
from ..errors import raise_faults

IGNORED = -100


@dataclass
class DataCollatorForPreTraining:
    """Masks tokens for prediction and pads a list of examples to one batch.

    An example is a dict with `input_ids` (seq,), and if there are any, `token_type_ids` (seq,), `continues_word` (seq,)
    bool, `next_sentence_label` (int), `rng_key` (seed, epoch, index) and `in_loss` (bool). Whole words are those of
    `continues_word`, and without it those of WordPiece, whose inner pieces begin with `##`. A batch holds, as int64
    tensors:

    - `input_ids`: (batch, seq), of the tokens to predict 80% replaced by `[MASK]`, 10% by a random token
    - `attention_mask`, and if the examples have them, `token_type_ids`: (batch, seq)
    - `labels`: (batch, seq), the original id where a token is to be predicted, else -100
    - `prediction_positions`: (predictions,), where there is a label in the flattened (batch * seq), if asked for; with
      `lengths`, so many others follow that there are as many for each batch of the same shape
    - `next_sentence_label`: (batch,), if the examples have one; -100 in examples that are not in the loss

    The masks of an example are a pure function of its `rng_key`, so they are new in each epoch and the same on
    every machine; examples without `rng_key` get masks from NumPy's unseeded generator. Each sequence has
    `max(1, round(mlm_probability * tokens))` predictions, as in `create_masked_lm_predictions` of google-research/bert;
    special tokens are neither chosen nor drawn as replacements.
    """

    tokenizer: Any
    mlm_probability: float = 0.15
    whole_word_masking: bool = False
    max_predictions: int | None = None
    lengths: Sequence[int] | None = None
    """Lengths that batches may have, ascending, for devices that compile each shape; none means any."""
    with_positions: bool = False
    """Whether a batch has `prediction_positions`, which the forward would else look for on the device."""
    _special: np.ndarray = field(init=False, repr=False)
    _rng: MovableRng = field(init=False, repr=False, default_factory=lambda: MovableRng(Stream.MASK))

    def __post_init__(self) -> None:
        faults = []
        if not 0 < self.mlm_probability <= 1:
            faults.append(f"mlm_probability is {self.mlm_probability}: it must be above 0 and at most 1")
        if self.max_predictions is not None and self.max_predictions < 1:
            faults.append(f"max_predictions is {self.max_predictions}: at least one token must be predicted")
        raise_faults(faults, type(self).__name__)
        self._special = np.ones(vocabulary_size(self.tokenizer), bool)  # ids without an entry are no tokens either
        self._special[list(self.tokenizer.get_vocab().values())] = False
        self._special[self.tokenizer.all_special_ids] = True

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return the batch of `examples`."""
        length = padded_length(max(len(example["input_ids"]) for example in examples), self.lengths)
        masked, labels = [], []
        for example in examples:
            original = np.asarray(example["input_ids"])
            rng = self._rng.at(*example["rng_key"]) if "rng_key" in example else np.random.default_rng()
            chosen = self.choose(original, rng, example.get("continues_word"))
            masked.append(self.replace(original, chosen, rng))
            labels.append(np.full(len(original), IGNORED))
            if example.get("in_loss", True):
                labels[-1][chosen] = original[chosen]
        batch = {
            "input_ids": pad_rows(masked, self.tokenizer.pad_token_id, length),
            "attention_mask": span_mask([len(ids) for ids in masked], length),
            "labels": pad_rows(labels, IGNORED, length),
        }
        if self.with_positions:
            batch["prediction_positions"] = self.positions(batch["labels"])
        if "token_type_ids" in examples[0]:
            batch["token_type_ids"] = pad_rows([example["token_type_ids"] for example in examples], 0, length)
        if "next_sentence_label" in examples[0]:
            pairs = [(example["next_sentence_label"], example.get("in_loss", True)) for example in examples]
            batch["next_sentence_label"] = np.array([label if in_loss else IGNORED for label, in_loss in pairs])
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def positions(self, labels: np.ndarray) -> np.ndarray:
        """Return where there is a label in the flattened (batch, seq), and with `lengths` a few others."""
        has_label = labels.ravel() != IGNORED
        positions = np.flatnonzero(has_label)
        if self.lengths is None:
            return positions
        count = len(labels) * predictions_bound(labels.shape[1], self.mlm_probability, self.max_predictions)
        return np.concatenate([positions, np.flatnonzero(~has_label)[: count - len(positions)]])

    def choose(
        self, input_ids: np.ndarray, rng: np.random.Generator, continues_word: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the positions to predict, at least one where there is a token that is not special.

        Args:
            input_ids: (seq,).
            rng: random numbers.
            continues_word: (seq,) bool, for whole words; none means by the vocabulary.
        """
        candidates = np.flatnonzero(~self._special[input_ids])
        count = min(predictions_bound(len(input_ids), self.mlm_probability, self.max_predictions), len(candidates))
        if not self.whole_word_masking:
            return rng.choice(candidates, count, replace=False)
        inner = self._continuation[input_ids] if continues_word is None else continues_word
        return _choose_words(candidates, inner, count, rng)

    def replace(self, input_ids: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `input_ids` with 80% of the chosen tokens masked, 10% random, 10% unchanged."""
        replaced = input_ids.copy()
        draws = rng.random(len(chosen))
        replaced[chosen[draws < 0.8]] = self.tokenizer.mask_token_id
        at_random = chosen[(draws >= 0.8) & (draws < 0.9)]
        replaced[at_random] = self._regular_ids[rng.integers(len(self._regular_ids), size=len(at_random))]
        return replaced

    @cached_property
    def _regular_ids(self) -> np.ndarray:
        return np.flatnonzero(~self._special)

    @cached_property
    def _continuation(self) -> np.ndarray:
        return np.array(continuation_mask(self.tokenizer))


def predictions_bound(length: int, mlm_probability: float, max_predictions: int | None = None) -> int:
    """Return how many tokens of a sequence of `length` tokens are to be predicted, where so many are not special."""
    count = max(1, round(length * mlm_probability))
    return count if max_predictions is None else min(count, max_predictions)


def _choose_words(candidates: np.ndarray, continuation: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose whole words in random order while they fit into `count` tokens; if none fits, the first is truncated."""
    starts = ~continuation[candidates]
    # A piece after a special token starts a word, whatever it looks like: a truncated segment can begin with "##".
    starts |= np.diff(candidates, prepend=-2) > 1
    first = np.flatnonzero(starts)
    sizes = np.diff(first, append=len(candidates)).tolist()
    chosen: list[np.ndarray] = []
    remaining = count
    for word in rng.permutation(len(sizes)).tolist():
        if sizes[word] <= remaining:
            chosen.append(candidates[first[word] : first[word] + sizes[word]])
            remaining -= sizes[word]
        if remaining == 0:
            break
    return np.concatenate(chosen) if chosen else candidates[:count]
