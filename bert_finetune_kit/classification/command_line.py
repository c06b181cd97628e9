"""Flags of a classification for its task, beside those of source, config and Trainer."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ..settings import setting
from ..tasks.task import ClassificationTask
from .task_file import find_task


@dataclass(frozen=True)
class TaskArguments:
    """The task, and values that override fields of its declaration."""

    heading: ClassVar[str] = "Task"

    task: str | None = setting(
        None,
        "Name of a task (sst2, mrpc, …), YAML file that declares one, or my_tasks.py:name for a Python file that "
        "registers it. Default: the bundled sample, or with --train a new task of the given columns.",
    )
    text: str | None = setting(None, "Column of the text.")
    text_pair: str | None = setting(None, "Column of the second text of a pair.")
    label: str | None = setting(None, "Column of the label.")
    labels: list[str] | None = setting(None, "Names of the labels, in the order of their ids.")
    kind: str | None = setting(None, "single_label, multi_label or regression.")
    metrics: list[str] | None = setting(None, "Metrics to compute; the first selects the best checkpoint.")

    def find(self, has_data: bool) -> ClassificationTask:
        """Return the selected task with these overrides.

        Args:
            has_data: whether the source names data; without a task these get a task of their own.
        """
        overrides: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("text", "text_pair", "label", "labels", "kind", "metrics")
            if getattr(self, name) is not None
        }
        if self.task is None and (has_data or overrides):
            return ClassificationTask("my_task", **overrides)
        task = find_task(self.task)
        if "kind" in overrides or "metrics" in overrides:
            overrides = {"best_metric": None, "metrics": ()} | overrides
        return replace(task, **overrides) if overrides else task
