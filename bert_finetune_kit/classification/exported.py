"""An exported classifier at work, without torch."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.cells import is_empty_cell
from ..data.sequences import SequenceFormat
from ..errors import DataError
from ..exported.arguments import NOT_HERE, cells_of, check_counts, rows_of
from ..exported.encoder import ExportedEncoder, token_ids
from ..exported.optional import predict_file, selection_of
from ..inference.choices import Choices, choose
from ..keywords import checks_settings
from .labels import LabelSet
from .prediction import EMPTY, Prediction, calibrated, to_predictions, with_prediction
from .windows import windows_of


@checks_settings(reasons=NOT_HERE)
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
        label_sets: float | None = None,
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

        Raises:
            DataError: the inputs are of another type, or a column is missing.
            ConfigError: `batch_size` is not a whole number from 1 up, or what is asked for cannot be had.
        """
        check_counts(batch_size=batch_size)
        choices = choose(self._basis, coverage, max_risk, label_sets)
        return self.predict_texts(to_texts(inputs, self.columns), batch_size, choices)

    def predict_file(
        self, path: str | Path, output: str | Path, *, batch_size: int = 32, column_names: Sequence[str] | None = None,
        encoding: str | None = None, coverage: float | None = None, max_risk: float | None = None,
        label_sets: float | None = None,
    ) -> Path:  # fmt: skip
        """Predict every row of a file and write the rows with their predictions, as `predict_file` of the recipe does.

        Args:
            path: .csv, .tsv, .jsonl, .parquet or .json, or .gz of these.
            output: .csv or .jsonl; it must not exist.
            batch_size: as of `predict`.
            column_names: names of the columns, for .csv and .tsv files without a header line.
            encoding: of a file of text, such as "latin-1"; none means UTF-8, or what a byte order mark says.
            coverage: as of `predict`; rows then have a column `refused`.
            max_risk: the same.
            label_sets: as of `predict`; rows then have a `label_set`.

        Returns:
            The path of the output.

        Raises:
            ConfigError: a package is not installed, or as of `predict`.
            DataError: the file cannot be read, or lacks a column.
            OutputError: the output exists or cannot be written.
        """
        check_counts(batch_size=batch_size)
        choices = choose(self._basis, coverage, max_risk, label_sets)
        known = self.labels.names, self._use.get("label_separator"), choices

        def predict_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
            texts = to_texts([{name: row.get(name) for name in self.columns} for row in rows], self.columns)
            predictions = self.predict_texts(texts, batch_size, choices)
            return [with_prediction(row, columns, given, *known) for row, given in zip(rows, predictions, strict=True)]

        settings = {"column_names": column_names, "encoding": encoding}
        return predict_file(self.encoder, path, output, predict_rows, self.columns, choices, batch_size, settings)

    def selection(self, *, coverage: float | None = None, max_risk: float | None = None) -> Any:
        """Return which predictions to refuse, as `selection` of the recipe does; `print` says what that is worth.

        Args:
            coverage: share of the predictions to keep, or
            max_risk: greatest share of the kept ones that may be wrong.

        Raises:
            ConfigError: neither or both are given, it cannot be had, or scipy is not installed.
        """
        return selection_of(self.settings, coverage, max_risk)

    def predict_texts(self, rows: Sequence[tuple[str, ...]], batch_size: int, choices: Choices) -> list[Prediction]:
        """Return a prediction for each text or pair, `EMPTY` for empty ones.

        Args:
            rows: of texts.
            batch_size: sequences that the model reads at once.
            choices: which predictions to refuse, and whether to return sets of labels.
        """
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
