"""A trained classifier from a folder or the Hub, with its labels in the order that a task declares."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ModelError
from ..modeling.loading import checkpoint_config
from ..tasks.task import ClassificationTask
from .config import ClassificationConfig
from .label_order import check_label_order, declared_order_note, output_order, saved_names
from .labels import LabelSet
from .model import build_model, reorder_outputs
from .task_file import load_task


@dataclass(frozen=True)
class LoadedClassifier:
    """A trained classifier, and what it classifies."""

    model: Any
    task: ClassificationTask
    config: ClassificationConfig
    labels: LabelSet
    note: str | None
    """What a user must know of the order of the labels."""


def load_classifier(
    folder: str, task: ClassificationTask | None, change: Callable[[ClassificationConfig], ClassificationConfig]
) -> LoadedClassifier:
    """Load a trained classifier.

    Args:
        folder: of the model, or its Hub id.
        task: that it was trained for; none means the saved one.
        change: saved lengths and threshold → those to use.

    Raises:
        ModelError: there is no model, it has no head for classification, or its labels are not those of the task.
    """
    model_config = checkpoint_config(folder)
    saved_task, saved_config = load_task(folder, model_config)
    task, config = task or saved_task, change(saved_config)
    declared, saved = task.labels or (), saved_names(model_config) if task.kind != "regression" else ()
    if declared and len(declared) != len(saved):
        check_label_order(LabelSet(declared, task.kind), model_config, folder)
    order = output_order(declared, saved) if declared else None
    names = declared if order is not None else saved
    task = replace(task, labels=names or None)
    labels, note = LabelSet(saved, task.kind, by_column=isinstance(task.label, tuple)), None
    model, new = build_model(folder, labels, 0)
    if new:
        raise ModelError(f"{folder} is not a trained classifier: it has no weights of {', '.join(new)}.")
    if order is not None:
        labels = replace(labels, names=names)
        note = declared_order_note(labels, model_config, folder)
        reorder_outputs(model, names, order)
    return LoadedClassifier(model, task, config, labels, note)
