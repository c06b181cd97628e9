"""What a classification takes from a command line beside source, config and the Trainer's arguments."""

from dataclasses import dataclass, replace
from typing import Any

from ..tasks.task import ClassificationTask
from .task_file import find_task


@dataclass(frozen=True)
class TaskArguments:
    """Which task, and what differs from its declaration."""

    task: str | None = None
    """Name of a task (sst2, mrpc, …), a YAML file that declares one, or my_tasks.py:name of a file that registers it;
    none means the bundled sample, or with --train a task of one's own."""
    text: str | None = None
    """Column of the text."""
    text_pair: str | None = None
    """Column of the second text."""
    label: str | None = None
    """Column of the label."""
    labels: list[str] | None = None
    """Names of the labels, in the order of their ids."""
    kind: str | None = None
    """single_label, multi_label or regression."""
    metrics: list[str] | None = None
    """Metrics, the one to choose the best checkpoint by first."""

    def find(self, has_data: bool) -> ClassificationTask:
        """Return the task that is meant.

        Args:
            has_data: whether data are given beside it.
        """
        changes: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("text", "text_pair", "label", "labels", "kind", "metrics")
            if getattr(self, name) is not None
        }
        if self.task is None and (has_data or changes):
            return ClassificationTask("my_task", **changes)
        task = find_task(self.task)
        if "kind" in changes or "metrics" in changes:
            changes = {"best_metric": None, "metrics": ()} | changes
        return replace(task, **changes) if changes else task
