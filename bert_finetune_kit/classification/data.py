"""Rows of a source → the data of a run: labels, targets, token ids, metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import EvalPrediction

from ..compat.datasets import fingerprint_of
from ..contract import Outputs, PreparedData
from ..data.folds import same_text
from ..data.groups import group_values, shared_groups
from ..data.labelled import LabelledData, check_texts, class_names, label_values, separator_notes
from ..data.sequences import sequence_formats
from ..data.sources import LabelledSource
from ..data.splits import held_out_note, hold_out
from ..data.tokenized import tokenize_texts
from ..tasks.task import ClassificationTask
from .collator import DataCollatorForClassification
from .config import ClassificationConfig
from .examples import ClassificationExamples
from .labels import LabelSet, check_classes, label_notes, label_set, label_weights
from .metric_set import MetricSet, metric_set
from .metrics import target_shares


@dataclass(frozen=True, kw_only=True)
class ClassificationData(PreparedData):
    """Data of a classification or regression."""

    train: ClassificationExamples
    validation: Mapping[str, ClassificationExamples]
    validation_rows: Mapping[str, Dataset]
    """The examples of `validation` as they are in the files."""
    labels: LabelSet
    metrics: MetricSet
    text_columns: tuple[str, ...]
    threshold: float
    """Lowest probability of a label in a multi_label task."""
    own_splits: tuple[str, ...]
    """Published splits that are evaluated completely; none where examples were held out, limited or replaced."""
    group: str | None = None
    """Column of what belongs together, such as the author of a text."""
    known_shares: np.ndarray | None = None
    """As `target_shares` returns them of training examples that are not at hand; none means those of `train`."""

    def fingerprint(self) -> dict[str, Any]:
        """Names of the labels: their examples hold ids alone."""
        return {"labels": list(self.labels.names)}

    @property
    def training_shares(self) -> np.ndarray:
        """Shares of the labels in training, or the mean target, by which the baseline predicts."""
        if self.known_shares is not None:
            return self.known_shares
        return target_shares(self.train.labels, self.labels.kind, self.labels.outputs)


def build_examples(
    rows: Dataset,
    task: ClassificationTask,
    config: ClassificationConfig,
    tokenizer: Any,
    takes_types: bool,
    targets: np.ndarray | None,
    cached: bool = True,
) -> ClassificationExamples:
    """Return rows as examples.

    Args:
        rows: with the columns of the task.
        task: the declaration.
        config: lengths.
        tokenizer: of the model.
        takes_types: whether the model has token types.
        targets: as `LabelSet.encode` returns them; none for prediction.
        cached: keep the token ids on disk.
    """
    texts = tokenize_texts(rows, task.text, task.text_pair, tokenizer, cached)
    single, pair = sequence_formats(tokenizer, takes_types)
    return ClassificationExamples(
        texts,
        targets,
        config.max_length,
        config.stride,
        pair if texts.are_pairs else single,
        tokenizer.truncation_side,
    )


def build_data(
    rows: LabelledData,
    task: ClassificationTask,
    source: LabelledSource,
    config: ClassificationConfig,
    choose_tokenizer: Callable[[Iterable[str], str], Any],
    lengths: Sequence[int] | None,
) -> ClassificationData:
    """Return the data of a run.

    Args:
        rows: by split, with the columns of the task.
        task: the declaration.
        source: its settings.
        config: lengths, class weights, threshold.
        choose_tokenizer: training texts and their fingerprint → `TokenizerChoice`.
        lengths: that batches may have; none means any.

    Raises:
        DataError: a text or label cannot be used, or there is nothing to learn.
        ConfigError: a metric or the class weights do not fit the task.
    """
    for split, part in {"train": rows.train, **rows.validation}.items():
        check_texts(part, task, split)
    separators = separator_notes(rows.train, task)
    values = label_values(rows.train, task)
    labels = label_set(task, values, class_names(rows.train, task))
    metrics = metric_set(task.metrics, task.kind, labels.outputs)
    columns = task.text_columns
    texts = (text for column in columns for text in rows.train[column])
    choice = choose_tokenizer(texts, fingerprint_of(rows.train))
    tokenizer, notes = choice.tokenizer, [*choice.notes, *rows.notes, *separators, *label_notes(labels, task)]
    takes_types = choice.takes_types
    train = build_examples(rows.train, task, config, tokenizer, takes_types, labels.encode(values, "train"))
    targets = {split: labels.encode(label_values(part, task), split) for split, part in rows.validation.items()}
    validation = {
        split: build_examples(part, task, config, tokenizer, takes_types, targets[split])
        for split, part in rows.validation.items()
    }
    limited = source.validation is not None or source.max_validation_examples is not None
    own_splits = () if limited else tuple(validation)
    if validation and source.group is not None:
        notes += shared_groups(rows.train, rows.validation, source.group)
    if not validation:
        strata = None if labels.kind == "regression" else [row.tobytes() for row in train.labels]
        kept, held_out, note = hold_out_rows(rows.train, source, columns, strata)
        notes.append(note)
        rows = replace(rows, validation={"validation": rows.train.select(held_out)})
        train, validation = train.subset(kept), {"validation": train.subset(held_out)}
    check_classes(labels, train.labels, {split: examples.labels for split, examples in validation.items()})
    return ClassificationData(
        name=rows.name,
        tokenizer=tokenizer,
        initial_model=choice.model,
        train=train,
        validation=validation,
        validation_rows=rows.validation,
        collator=DataCollatorForClassification(
            tokenizer.pad_token_id,
            train.format,
            label_weights(config.class_weights, train.labels, labels.outputs),
            lengths,
        ),
        glossary=tuple(metrics.glossary(list(validation))),
        best_metric=_best_metric(task, metrics, list(validation)),
        further_scores=_lower_is_better(metrics, list(validation)),
        undefined_scores=_undefined_scores(metrics, {split: part.labels for split, part in validation.items()}),
        notes=tuple(notes),
        labels=labels,
        metrics=metrics,
        text_columns=columns,
        threshold=config.threshold,
        own_splits=own_splits,
        group=source.group,
    )


def hold_out_rows(
    rows: Dataset, source: LabelledSource, columns: Sequence[str], strata: Sequence[bytes] | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the rows to train on, those held out, and a note; rows of the same texts are held out together.

    Args:
        rows: the examples.
        source: the share, and the column of the group, which holds whole groups out whatever their texts.
        columns: of the texts.
        strata: label of each row, of which both parts have their share; none for a regression.

    Raises:
        DataError: there are too few rows or groups.
    """
    total = len(rows)
    if source.group is None:
        texts = same_text(*(rows[column][:] for column in columns))
        unit, how = ("example", "") if len(set(texts)) == total else ("different text", "equal texts together")
        kept, held_out = hold_out(texts, source.validation_share, unit=unit, strata=strata)
        return kept, held_out, held_out_note(len(held_out), total, "example", how)
    groups = group_values(rows, source.group, "train")
    kept, held_out = hold_out(groups, source.validation_share, unit="group", strata=strata)
    chosen = {groups[row] for row in held_out}
    note = held_out_note(len(chosen), len(set(groups)), "group", f"by {source.group}, {len(held_out):,} examples")
    return kept, held_out, note


def eval_prediction(outputs: Outputs) -> EvalPrediction:
    """Return logits and references as a user's `compute_metrics` takes them, from the outputs of a split."""
    _, logits, references = outputs
    return EvalPrediction(logits, references)


def trial_prediction(data: ClassificationData, split: str) -> EvalPrediction:
    """Return made-up logits (examples, labels) for a split with its references, to try a function of them."""
    references = data.validation[split].labels
    logits = np.random.default_rng(0).normal(size=(len(references), data.labels.outputs)).astype(np.float32)
    return EvalPrediction(logits, references)


_WHY_UNDEFINED = {
    "regression": "all targets of the {} split are equal",
    "single_label": "all examples of the {} split have the same label",
    "multi_label": "no example of the {} split has a label",
}


def _undefined_scores(metrics: MetricSet, references: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return the scores that the references of a split leave undefined, and why."""
    return {
        prefix + name: _WHY_UNDEFINED[metrics.kind].format(split)
        for prefix, (split, values) in zip(_prefixes(list(references)), references.items(), strict=True)
        for name in metrics.undefined(values)
    }


def _prefixes(splits: Sequence[str]) -> list[str]:
    return [f"{split}_" for split in splits] if len(splits) > 1 else [""]


def _best_metric(task: ClassificationTask, metrics: MetricSet, splits: Sequence[str]) -> str:
    """Return the key of the score to choose the best checkpoint by, that of the first split."""
    best = task.best_metric
    if best is None or best == task.metrics[0]:  # the path of a module is not the key of its score
        best = metrics.names[0]
    return _prefixes(splits)[0] + best


def _lower_is_better(metrics: MetricSet, splits: Sequence[str]) -> dict[str, bool | None]:
    return {prefix + name: lower for prefix in _prefixes(splits) for name, lower in metrics.lower_is_better().items()}
