"""Labelled examples to score a trained classifier on → data with its own labels, threshold and baselines."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from datasets import Dataset

from ..calibration.saved import NOT_CALIBRATED
from ..compat.datasets import no_progress_bars
from ..contract import LoadedModel
from ..data.labelled import label_values, load_to_evaluate
from ..data.sources import LabelledSource
from ..errors import OutputError
from ..modeling.architecture import takes_token_types
from ..runs.saved_report import saved_report
from ..tasks.task import ClassificationTask
from .collator import DataCollatorForClassification
from .config import ClassificationConfig
from .data import ClassificationData, build_examples
from .indicators import are_indicators
from .labels import LabelSet, label_notes
from .metric_set import metric_set
from .metrics import target_shares

_OWN_BASELINE = (
    "the labels of the training are not known here: the baseline is fitted to the evaluated examples themselves, which "
    "makes it a little harder to beat"
)


def evaluation_data(
    given: Any,
    task: ClassificationTask,
    config: ClassificationConfig,
    trained: LoadedModel,
    lengths: Sequence[int] | None,
    map_rows: Callable[[Dataset], Dataset],
    source: LabelledSource,
    trained_on: ClassificationData | None,
) -> ClassificationData:
    """Return examples with the labels of a trained model as the data of an evaluation.

    Args:
        given: as `load_to_evaluate` takes it.
        task: of the model.
        config: lengths and threshold.
        trained: the model, with its labels; where it was loaded, the report beside it has their shares in training.
        lengths: that batches may have; none means any.
        map_rows: changes texts before they are tokenized.
        source: of the recipe.
        trained_on: data of the training, if it was one of this process.

    Raises:
        DataError: it cannot be read, has no labels, or has labels that the model does not know.
    """
    name, split, rows = load_to_evaluate(given, task, source)
    with no_progress_bars():
        rows = map_rows(rows)
    labels: LabelSet = trained.usage
    values, tokenizer = label_values(rows, task), trained.tokenizer
    if task.kind == "multi_label" and are_indicators(values, labels.names):
        labels = replace(labels, by_column=True)
    targets = labels.encode(values, split)
    examples = build_examples(rows, task, config, tokenizer, takes_token_types(trained.model.config), targets)
    shares, notes = None, [*label_notes(labels, task)]
    if trained_on is None:
        shares = shares_in_report(trained.folder, labels)
        if shares is None:
            shares = target_shares(targets, labels.kind, labels.outputs)
            notes.append(_OWN_BASELINE)
    metrics = metric_set(task.metrics, task.kind, labels.outputs)
    return ClassificationData(
        name=name,
        tokenizer=tokenizer,
        initial_model="",
        train=examples.subset(np.arange(0)) if trained_on is None else trained_on.train,
        validation={split: examples},
        validation_rows={split: rows},
        collator=DataCollatorForClassification(tokenizer.pad_token_id, examples.format, lengths=lengths),
        glossary=tuple(metrics.glossary([split])),
        notes=tuple(notes),
        labels=labels,
        metrics=metrics,
        text_columns=task.text_columns,
        threshold=config.threshold,
        own_splits=(),
        group=None if trained_on is None else trained_on.group,
        known_shares=shares,
        calibration=trained.calibration or NOT_CALIBRATED,
    )


def shares_in_report(folder: str | None, labels: LabelSet) -> np.ndarray | None:
    """Return the shares of the labels in the training that a model's folder has a report of, as `target_shares` does.

    Args:
        folder: of the model, or its Hub id.
        labels: of the model.

    Returns:
        None where there is no report, or it is of other labels.
    """
    if folder is None:
        return None
    try:
        train = saved_report(folder).data.get("train", {})
    except OutputError:
        return None
    if labels.kind == "regression":
        mean = train.get("mean_target")
        return np.array([float(mean)]) if isinstance(mean, int | float) else None
    shares = train.get("label_shares")
    if not isinstance(shares, dict) or set(shares) != set(labels.names):
        return None
    return np.array([float(shares[name]) for name in labels.names])
