"""What came out of a classification, in sentences and tables."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ..reporting.intervals import Interval
from ..reporting.report import ReportTable
from ..tasks.task import ClassificationTask
from .labels import LabelSet
from .metrics import METRICS, Predictions, label_of

_GUESSES = {
    "single_label": "the most frequent label",
    "multi_label": "the labels that most examples have",
    "regression": "the mean",
}
_MOST_LABELS = 20  # in a confusion table that can be read


def summarize(
    task: ClassificationTask, data: str, examples: int, parameters: int, steps: int, result: dict[str, dict[str, Any]]
) -> list[str]:
    """Say what was trained on what, and what the best metric means beside not looking.

    Args:
        task: what was learnt.
        data: name of the data set.
        examples: number of training examples.
        parameters: of the model.
        steps: of the optimizer.
        result: by split: `examples`, `scores`, `intervals` and `baseline`.
    """
    sentences = [
        f"A BERT of {parameters:,} parameters was fine-tuned on {data} ({examples:,} examples) for {steps:,} steps."
    ]
    name = task.best_metric or task.metrics[0]
    for split, one in result.items():
        if name not in one["scores"] or name not in METRICS:
            continue
        form, words = METRICS[name].form, label_of(name)
        interval = f" (95% interval {_range(one['intervals'].get(name), form)})" if name in one["intervals"] else ""
        where = f"{one['examples']:,} examples of {split}"
        sentences.append(f"On {where} its {words} is {one['scores'][name]:{form}}{interval}.")
        if name in one["baseline"]:
            sentences.append(f"Always saying {_GUESSES[task.kind]} scores {one['baseline'][name]:{form}}.")
    return sentences


def result_table(split: str, one: dict[str, Any], published: dict[str, float], source: str) -> ReportTable:
    """Return all scores of a split with intervals, beside not looking and what was published."""
    published = {name: score for name, score in published.items() if name in one["scores"]}
    header = ["score", "value", "95% interval", "without looking"] + (["published"] if published else [])
    rows = []
    for name, value in one["scores"].items():
        form = METRICS[name].form if name in METRICS else ".4f"
        row = [label_of(name), format(value, form), _range(one["intervals"].get(name), form)]
        row.append(format(one["baseline"][name], form) if name in one["baseline"] else "")
        rows.append(row + ([format(published[name], form) if name in published else ""] if published else []))
    known = [(label_of(name), METRICS[name].meaning) for name in one["scores"] if name in METRICS]
    note = f"Of {one['examples']:,} examples." + (f" Published: {source}." if published else "")
    note += "\n\n" + "\n".join(f"- **{name}**: {meaning}" for name, meaning in known)
    return ReportTable(f"Result on {split}", header, rows, note)


def _range(interval: Interval | None, form: str) -> str:
    return "" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def label_details(labels: LabelSet, told: Predictions) -> dict[str, Any]:
    """Return how well and how often each label is said, and of single labels which is taken for which.

    Returns:
        `by_label`: by name `precision`, `recall`, `f1`, `support`, `said`; `confusion`: rows of true labels, columns of
        said ones.
    """
    ids = list(range(len(labels.names)))
    columns = precision_recall_fscore_support(told.references, told.predictions, labels=ids, zero_division=0.0)
    said = told.predictions.sum(0) if told.predictions.ndim == 2 else np.bincount(told.predictions, minlength=len(ids))
    names = ("precision", "recall", "f1", "support", "said")
    details: dict[str, Any] = {
        "by_label": {
            name: dict(zip(names, map(float, values), strict=True))
            for name, *values in zip(labels.names, *columns, said, strict=True)
        }
    }
    if labels.kind == "single_label":
        details["confusion"] = confusion_matrix(told.references, told.predictions, labels=ids).tolist()
    return details


def label_tables(split: str, details: dict[str, Any]) -> list[ReportTable]:
    """Return the tables of `label_details`."""
    by_label = details["by_label"]
    forms = {"precision": ".1%", "recall": ".1%", "f1": ".1%", "support": ",.0f", "said": ",.0f"}
    rows = [[name, *(format(one[key], form) for key, form in forms.items())] for name, one in by_label.items()]
    tables = [ReportTable(f"By label, {split}", ["label", "precision", "recall", "F1", "true", "said"], rows)]
    if "confusion" in details and len(by_label) <= _MOST_LABELS:
        counted = zip(by_label, details["confusion"], strict=True)
        rows = [[f"is {name}", *(f"{count:,}" for count in row)] for name, row in counted]
        tables.append(ReportTable(f"Confusion, {split}", ["", *(f"said {name}" for name in by_label)], rows))
    return tables
