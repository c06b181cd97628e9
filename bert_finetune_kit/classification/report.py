"""Summary, statistics and tables of a classification."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, cast

import numpy as np
from torch import nn

from ..contract import Description, Evaluation
from ..data.checks import label_runs, shared_texts
from ..data.padding import padding_shares
from ..data.sources import LabelledSource
from ..modeling.parameters import model_phrase, parameter_report
from ..reporting.calibration_tables import calibration_table, label_set_table, risk_table
from ..reporting.details import ClassificationDetails
from ..reporting.known_scores import known_score
from ..reporting.numbers import is_finite_number
from ..reporting.origin import data_origin, hub_id
from ..reporting.plain import describe_settings
from ..reporting.published import published_table
from ..reporting.records import Evidence, TextStatistics
from ..reporting.schema import ReportTable
from ..reporting.summary import baseline_sentence, opening_sentence, score_sentence
from ..reporting.tables import confused_table, confusion_table, describe_scores, errors_table, group_table, result_table
from ..tasks.task import ClassificationTask
from .config import ClassificationConfig
from .data import ClassificationData
from .examples import ClassificationExamples
from .labels import LabelSet

_MAX_LABELS = 20  # of a readable confusion table
_EXCERPT = 300  # characters of a text
_BY_LABEL = {
    "precision": ("precision", ".1%"),
    "recall": ("recall", ".1%"),
    "f1": ("F1", ".1%"),
    "support": ("true", ",.0f"),
    "predicted": ("predicted", ",.0f"),
}


def source_settings(
    data: ClassificationData, task: ClassificationTask, source: LabelledSource, model: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the settings of source, task and model for the report.

    Args:
        data: of the run.
        task: the declaration.
        source: as the recipe was given it.
        model: settings of the model.
    """
    dataset, hub_config = (source.train, None) if source.train is not None else (task.dataset, task.hub_config)
    origin = data_origin(data.name, hub_id(dataset), hub_config, data.own_splits)
    return {
        "source": {**describe_settings(source), **origin},
        "task": describe_settings(replace(task, published=None)) | {"labels": data.labels.names},
        "model": model,
    }


def describe(
    data: ClassificationData,
    model: nn.Module,
    evaluation: Evaluation,
    steps: int | None,
    task: ClassificationTask,
    config: ClassificationConfig,
    batch_size: int,
    settings: Mapping[str, Mapping[str, Any]],
) -> Description:
    """Return the parts of the report that are about classification.

    Args:
        data: of the run.
        model: as it was trained.
        evaluation: of the saved weights.
        steps: of the optimizer; none for an evaluation without a training.
        task: the declaration.
        config: settings of the recipe.
        batch_size: examples in a batch on a device.
        settings: of source, task and model.
    """
    details = cast("Mapping[str, ClassificationDetails]", evaluation.details)
    if steps is None and not data.own_splits:  # published scores are those of other examples
        task = replace(task, published=None)
    size = f"{len(data.train):,} examples"
    opening = opening_sentence("fine-tuned", model_phrase(model), data.name, steps, size)
    splits = data.validation if steps is None else {"train": data.train, **data.validation}
    statistics = {
        split: split_statistics(examples, data.labels, data.tokenizer.unk_token_id, batch_size)
        for split, examples in splits.items()
    }
    return Description(
        summary=[opening, *summarize(task, details)],
        data=cast("Mapping[str, Mapping[str, Any]]", statistics),
        settings={**settings, "recipe": asdict(config)},
        tables=tables_of(data, details, task, parameter_report(model).total),
        evidence=dict(evidence_of(data, trained=steps is not None)),
    )


def summarize(task: ClassificationTask, details: Mapping[str, ClassificationDetails]) -> list[str]:
    """Return the best metric of each split in sentences, with its baseline."""
    key = task.best_metric or str(task.metrics[0])
    score = known_score("classification", key)
    name = "mean" if task.kind == "regression" else "majority"
    sentences = []
    for split, part in details.items():
        if key not in part["scores"]:
            continue
        interval = part["intervals"].get(key)
        scored_on = f"{part['examples']:,} examples of {split}"
        sentences.append(score_sentence(score, part["scores"][key], interval, scored_on=scored_on))
        if is_finite_number(part["baseline"].get(key)):
            sentences.append(baseline_sentence(score, {name: part["baseline"][key]}))
    return sentences


def tables_of(
    data: ClassificationData,
    details: Mapping[str, ClassificationDetails],
    task: ClassificationTask,
    parameters: int = 0,
) -> list[ReportTable]:
    """Return the result, published results, scores by label, confusion table and what probabilities are worth of each
    split, then the worst errors of all splits.

    Args:
        data: of the run.
        details: of each split.
        task: the declaration.
        parameters: of the model.
    """
    results: list[ReportTable] = []
    errors: list[ReportTable] = []
    for split, part in details.items():
        results.append(_result(split, part, task, len(details)))
        scores = [known_score("classification", name) for name in part["scores"]]
        published = published_table(
            task.published_results, scores, part["scores"], part["intervals"], split=split, examples=part["examples"],
            parameters=parameters, baselines=part["baseline"], title=f"Published results, {split}",
            prefix=f"{split}_" if len(details) > 1 else "",
        )  # fmt: skip
        results += [] if published is None else [published]
        if "by_label" in part:
            by_label = cast("Mapping[str, Mapping[str, float | None]]", part["by_label"])
            results.append(group_table(by_label, _BY_LABEL, group_label="label", title=f"By label, {split}"))
        if "confusion" in part:
            results += _confusion(split, list(part["by_label"]), part["confusion"])
        if "calibration" in part:
            results += _probabilities(split, part)
        if part["worst_errors"]:
            errors.append(_errors(split, part, data.text_columns))
    return [*results, *errors]


def _result(split: str, part: ClassificationDetails, task: ClassificationTask, splits: int) -> ReportTable:
    scores = [known_score("classification", name) for name in part["scores"]]
    published, source = _published(task, split, splits)
    published = {name: value for name, value in published.items() if name in part["scores"]}
    note = f"On {part['examples']:,} examples." + (f" Published: {source}." if published else "")
    note = " ".join(filter(None, [note, part.get("interval_note", "")]))
    baseline = "mean" if task.kind == "regression" else "majority"
    labels = part.get("by_label", {})
    if task.kind == "single_label" and labels:
        frequent = max(labels, key=lambda label: labels[label]["support"])
        note += f" Majority baseline: always {frequent}, the most frequent label here."
    if "f1" in part["scores"]:
        second = list(part["by_label"])[1] if len(part.get("by_label", ())) == 2 else "the second label"
        note += f" F1, precision and recall are those of {second}, and their baseline is to predict it always."
    return result_table(
        scores, part["scores"], part["intervals"], {baseline: part["baseline"]}, published,
        title=f"Result on {split}", note=f"{note}\n\n{describe_scores(scores)}",
    )  # fmt: skip


def _probabilities(split: str, part: ClassificationDetails) -> list[ReportTable]:
    """Return what probabilities are worth, how often the surest predictions are wrong, and sets of labels."""
    confidence = "Of the predicted label." if "confusion" in part else "Of each label, present or absent."
    tables = [calibration_table(part["calibration"], f"Calibration, {split}", confidence)]
    tables.append(risk_table(part["risk_coverage"], f"Refused predictions, {split}"))
    if "label_sets" in part:
        tables.append(label_set_table(part["label_sets"], f"Sets of labels, {split}"))
    return tables


def _confusion(split: str, labels: list[str], counts: list[list[int]]) -> list[ReportTable]:
    """Return the confusion table; of many labels the pairs that are confused most often, if any are."""
    if len(labels) <= _MAX_LABELS:
        return [confusion_table(labels, counts, title=f"Confusion, {split}")]
    pairs = confused_table(labels, counts, title=f"Most frequent confusions, {split}")
    return [pairs] if pairs.rows else []


def _published(task: ClassificationTask, split: str, splits: int) -> tuple[dict[str, float], str]:
    """Return the first published scores of a split, and where they are published."""
    if not task.published_results:
        return {}, ""
    first, prefix = task.published_results[0], f"{split}_" if splits > 1 else ""
    names = [name for name in first.scores if name.startswith(prefix)]
    return {name.removeprefix(prefix): first.scores[name] for name in names}, first.source


def _errors(split: str, part: ClassificationDetails, columns: tuple[str, ...]) -> ReportTable:
    key = "absolute_error" if "absolute_error" in part["worst_errors"][0] else "probability"
    rows: list[dict[str, object]] = [
        {f"text {number}": text for number, text in enumerate(error["texts"])}
        | {"true": str(error["true"]), "predicted": str(error["predicted"]), key: error[key]}  # type: ignore[literal-required]
        for error in part["worst_errors"]
    ]
    headers = {f"text {number}": column for number, column in enumerate(columns)}
    headers |= {"true": "true", "predicted": "predicted", key: key.replace("_", " ")}
    note = "Largest errors." if key == "absolute_error" else "Wrong predictions with the highest probability."
    title = f"Worst errors, {split}"
    return errors_table(rows, headers, title=title, note=note, length=_EXCERPT)


def split_statistics(
    examples: ClassificationExamples, labels: LabelSet, unk_token_id: int | None, batch_size: int
) -> TextStatistics:
    """Return counts, lengths, padding, and the distribution of the targets of a split.

    Args:
        examples: of the split.
        labels: their names.
        unk_token_id: of the tokenizer; none where it has none.
        batch_size: examples in a batch.
    """
    special = examples.max_length - examples.max_tokens
    full = examples.texts.lengths + special
    tokens = int(examples.texts.lengths.sum())
    padding = padding_shares(np.minimum(full, examples.max_length), examples.max_length, batch_size)
    statistics = TextStatistics(
        examples=len(examples),
        tokens=tokens,
        unknown_tokens=examples.texts.count(unk_token_id) / max(tokens, 1),
        mean_length=float(full.mean()),
        longest=int(full.max()),
        padding_to_longest=padding["padding_to_longest"],
        padding_to_max_length=padding["padding_to_max_length"],
    )
    if examples.stride is None:
        statistics["truncated_examples"] = len(examples.too_long)
    else:
        statistics["examples_in_windows"] = len(examples.too_long)
    targets = examples.targets
    if targets is None:
        return statistics
    if labels.kind == "regression":
        statistics["mean_target"], statistics["std_target"] = float(targets.mean()), float(targets.std())
    else:
        one_hot = targets if targets.ndim == 2 else np.eye(len(labels.names))[targets]
        statistics["label_shares"] = dict(zip(labels.names, map(float, one_hot.mean(0)), strict=True))
    return statistics


def evidence_of(data: ClassificationData, trained: bool = True) -> Evidence:
    """Return texts that train and validation share, and in single_label tasks the runs of equal training labels."""
    if not len(data.train):  # the training examples are not known
        return {}
    leak = {
        split: shared_texts(_texts(data.train), _texts(examples), "texts")
        for split, examples in data.validation.items()
    }
    evidence = cast(Evidence, {"leak": leak})
    if trained and data.labels.kind == "single_label":
        evidence["label_runs"] = cast(Any, label_runs(data.train.labels))
    return evidence


def _texts(examples: ClassificationExamples) -> Any:
    for number in range(len(examples)):
        first, second = examples.texts[number]
        yield first.tobytes() + (b"" if second is None else b"|" + second.tobytes())
