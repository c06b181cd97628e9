"""An exported classifier at work, without torch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.cells import is_empty_cell
from ..data.sequences import SequenceFormat
from ..errors import DataError
from ..exported.arguments import cells_of, check_predict, rows_of
from ..exported.encoder import ExportedEncoder, token_ids
from ..inference.choices import choose
from .labels import LabelSet
from .prediction import EMPTY, Prediction, calibrated, to_predictions
from .windows import windows_of


class ExportedClassifier:
    """A classifier or a regression that was exported, loaded by `load_exported`."""

    def __init__(self, encoder: ExportedEncoder) -> None:
        use = encoder.settings.use
        self.encoder, self.settings = encoder, encoder.settings
        self.labels = LabelSet(tuple(use["labels"]), use["kind"])
        self.columns: tuple[str, ...] = tuple(use["columns"])
        self._use, self._basis = use, encoder.settings.threshold_basis

    def __repr__(self) -> str:
        return self.encoder.named(type(self), self.labels.kind, f"labels={len(self.labels.names)}")

    def predict(
        self, inputs: Any, *, batch_size: int = 32, coverage: float | None = None, max_risk: float | None = None,
        label_sets: float | None = None, **further: Any,
    ) -> list[Prediction]:  # fmt: skip
        """Return a `Prediction` for each text or pair, in their order; nothing for an empty list.

        A text that is empty has the label None, and so has one whose prediction is `refused`.

        Args:
            inputs: a text, a list of texts, for sentence-pair tasks a pair or a list of pairs; or a list of dicts or a
                DataFrame with the columns of the task.
            batch_size: sequences that the model reads at once.
            coverage: share of the predictions to keep; the least sure ones are refused.
            max_risk: greatest share of the kept ones that may be wrong, in place of `coverage`.
            label_sets: share of the sets of labels (`label_set`) that are to hold the true one.
            further: other settings, which are refused by name.

        Raises:
            DataError: the inputs are of another type, or a column is missing.
            ConfigError: `batch_size` is not a whole number from 1 up, what is asked for cannot be had, or there is no
                such setting.
        """
        check_predict({"batch_size": batch_size}, further, ("coverage", "max_risk", "label_sets"))
        choices = choose(self._basis, coverage, max_risk, label_sets)
        rows = to_texts(inputs, self.columns)
        usable = [number for number, texts in enumerate(rows) if all(text.strip() for text in texts)]
        predictions = [EMPTY] * len(rows)
        if not usable:
            return predictions
        logits = self.logits([rows[number] for number in usable], batch_size)
        threshold, temperatures = self._use["threshold"], self._use["temperatures"]
        predicted = calibrated(logits, np.zeros(len(logits)), self.labels, threshold, temperatures)
        for number, prediction in zip(usable, to_predictions(predicted, self.labels, choices), strict=True):
            predictions[number] = prediction
        return predictions

    def logits(self, rows: Sequence[Sequence[str]], batch_size: int = 32) -> np.ndarray:
        """Return the logits of texts or pairs, means over their windows, (rows, labels) float32."""
        columns = [token_ids(self.encoder.encode(column)) for column in zip(*rows, strict=True)]
        use, format = self._use, self._format
        windows = [
            windows_of(first, second, format, use["max_length"], use["stride"], use["truncation_side"])
            for first, second in zip(columns[0], columns[1] if len(columns) > 1 else [None] * len(rows), strict=True)
        ]
        owners = np.repeat(np.arange(len(rows)), [len(parts) for parts in windows])
        sequences = [window for parts in windows for window in parts]
        sums = np.zeros((len(rows), self.labels.outputs), np.float32)
        counts = np.zeros((len(rows), 1), np.float32)
        for indices, _, outputs in self.encoder.run(sequences, format, batch_size):
            np.add.at(sums, owners[indices], outputs["logits"])
            np.add.at(counts, owners[indices], 1)
        return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)

    @property
    def _format(self) -> SequenceFormat:
        return self.settings.pair if len(self.columns) > 1 else self.settings.single


def to_texts(inputs: Any, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the texts of the inputs of `predict`, row by row; one that is missing is empty.

    Args:
        inputs: a text, a list of texts, a pair, a list of pairs, a list of dicts, or a DataFrame.
        columns: of the texts of the task, one or two.

    Raises:
        DataError: the inputs are of another type, or a column is missing.
    """
    is_pair, inputs = len(columns) > 1, rows_of(inputs)
    if isinstance(inputs, Mapping) or not isinstance(inputs, Iterable):
        raise DataError(
            f"predict() of an exported model does not accept a {type(inputs).__name__}: give texts, pairs of texts, or "
            "a list of dicts."
        )
    single = isinstance(inputs, str) or (isinstance(inputs, tuple) and is_pair)
    return [_row(item, columns, is_pair) for item in ([inputs] if single else inputs)]


def _row(item: Any, columns: Sequence[str], is_pair: bool) -> tuple[str, ...]:
    if isinstance(item, Mapping):
        texts = cells_of(item, columns)
    elif is_pair and item is not None:
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise DataError(f"{item!r} is not a pair of texts: the task takes pairs ({', '.join(map(repr, columns))}).")
        texts = list(item)
    else:
        texts = [item] * len(columns)
    wrong = next((text for text in texts if not isinstance(text, str) and not is_empty_cell(text)), None)
    if wrong is not None:
        raise DataError(f"{wrong!r} is not a text: give strings for {' and '.join(columns)}.")
    return tuple(text if isinstance(text, str) else "" for text in texts)
