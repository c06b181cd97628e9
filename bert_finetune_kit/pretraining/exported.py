"""An exported model with a head for masked words at work, without torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calibration.probabilities import softmax
from ..errors import ConfigError, DataError
from ..exported.arguments import NOT_HERE, check_counts
from ..exported.encoder import ExportedEncoder, token_ids
from ..keywords import checks_settings


@dataclass(frozen=True)
class FilledMask:
    """What may stand in the place of one mask of a text."""

    tokens: tuple[tuple[str, float], ...]
    """The likeliest tokens with their probabilities, the likeliest first."""

    @property
    def token(self) -> str:
        """The likeliest token."""
        return self.tokens[0][0]

    @property
    def score(self) -> float:
        """Its probability."""
        return self.tokens[0][1]


@checks_settings(reasons=NOT_HERE)
class ExportedMaskFiller:
    """A model with a head for masked words that was exported, loaded by `load_exported`."""

    def __init__(self, encoder: ExportedEncoder) -> None:
        self.encoder, self.settings = encoder, encoder.settings
        self.mask_token: str = encoder.settings.use["mask_token"]
        self.max_length = int(encoder.settings.use["max_length"])
        self._mask_id = encoder.tokenizer.token_to_id(self.mask_token)

    def __repr__(self) -> str:
        return self.encoder.named(type(self))

    def predict(self, inputs: Any, *, top_k: int = 5, batch_size: int = 8) -> list[tuple[FilledMask, ...]]:
        """Return a `FilledMask` for each mask of each text, in their order; nothing for an empty list.

        Args:
            inputs: a text or a list of texts, in which `mask_token` stands for a token to predict.
            top_k: tokens of each mask.
            batch_size: texts that the model reads at once.

        Raises:
            DataError: the inputs are of another type, or a text has no mask or is too long for the model.
            ConfigError: `top_k` or `batch_size` is not a whole number from 1 up.
        """
        check_counts(top_k=top_k, batch_size=batch_size)
        if isinstance(inputs, Mapping) or not isinstance(inputs, Iterable) or hasattr(inputs, "columns"):
            raise DataError(f"predict() does not accept a {type(inputs).__name__}: give a text or a list of texts.")
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        wrong = next((text for text in texts if not isinstance(text, str)), None)
        if wrong is not None:
            raise DataError(f"{wrong!r} is not a text: give strings with {self.mask_token}.")
        format = self.settings.single
        sequences = [format.join(ids) for ids in token_ids(self.encoder.encode(texts, special=True))]
        for text, ids in zip(texts, sequences, strict=True):
            if len(ids) > self.max_length:
                raise DataError(f"A text has {len(ids)} tokens, and the model takes {self.max_length}: {text[:80]!r}")
            if self._mask_id not in ids:
                raise DataError(f"There is no {self.mask_token} in {text[:80]!r}: put one where a word is missing.")
        filled: list[tuple[FilledMask, ...]] = [()] * len(texts)
        rows = [(ids, len(ids)) for ids in sequences]
        for indices, feeds, outputs in self.encoder.run(rows, format, batch_size):
            for row, index in enumerate(indices.tolist()):
                places = np.flatnonzero(feeds["input_ids"][row] == self._mask_id)
                filled[index] = self._fill(vocabulary_logits(outputs)[row, places], top_k)
        return filled

    def predict_file(self, *_: Any, **__: Any) -> Any:
        """There is none: what a file of masks would have in its rows is not one thing."""
        raise ConfigError(f"{type(self).__name__} predicts no files: give texts to predict(), some at a time.")

    def _fill(self, logits: np.ndarray, top_k: int) -> tuple[FilledMask, ...]:
        shares = softmax(logits.astype(np.float64))
        best = np.argsort(-shares, axis=1, kind="stable")[:, :top_k]
        name = self.encoder.tokenizer.id_to_token
        return tuple(
            FilledMask(tuple((name(token) or "", float(row[token])) for token in ids.tolist()))
            for row, ids in zip(shares, best, strict=True)
        )


def vocabulary_logits(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the logits of the tokens, (batch, seq, vocab), of a model with or without a head for pairs."""
    return outputs["prediction_logits"] if "prediction_logits" in outputs else outputs["logits"]
