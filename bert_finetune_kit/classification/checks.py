"""Settings of a classification against its task."""

from transformers import TrainingArguments

from ..tasks.task import ClassificationTask
from .config import ClassificationConfig
from .metric_set import metric_set


def classification_faults(task: ClassificationTask, config: ClassificationConfig, args: TrainingArguments) -> list[str]:
    """Return which settings of a classification do not go with its task.

    Args:
        task: the declaration.
        config: settings of the recipe.
        args: the Trainer's arguments.
    """
    faults = []
    if task.text_pair is not None and config.max_length < 5:
        faults.append(f"max_length is {config.max_length}: at least 5 tokens are needed for pairs")
    if config.class_weights is not None and task.kind == "regression":
        faults.append("class_weights are set, and the task is a regression, which has no classes: remove them")
    if args.label_smoothing_factor and task.kind != "single_label":
        faults.append(f"label_smoothing_factor needs a single_label task, and this one is {task.kind}: set it to 0")
    return faults


def check_metrics(task: ClassificationTask) -> None:
    """Check the metrics of a task whose labels are known before the data are.

    Raises:
        ConfigError: a metric is unknown, cannot be loaded, or does not fit the task.
    """
    if task.labels is not None or task.kind == "regression":
        metric_set(task.metrics, task.kind, len(task.labels or ()))
