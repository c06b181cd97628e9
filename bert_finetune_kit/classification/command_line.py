"""Flags of a classification for its task, beside those of source, config and Trainer."""

from dataclasses import dataclass
from typing import ClassVar

from ..settings import setting
from ..tasks.task import ClassificationTask
from .task_choice import TASK_FIELDS, change_task

_OWN_DATA = "Data of your own: --train reviews.csv --text review --label stars."


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
    label_separator: str | None = setting(
        None, 'What stands between the labels in a cell of a multi_label task, such as ";". Default: cells are lists.'
    )
    kind: str | None = setting(None, "single_label, multi_label or regression.")
    metrics: list[str] | None = setting(None, "Metrics to compute; the first selects the best checkpoint.")

    def find(self, has_data: bool) -> ClassificationTask:
        """Return the selected task with these overrides.

        Args:
            has_data: whether the source names data; without a task these get a task of their own.
        """
        given = {name: getattr(self, name) for name in TASK_FIELDS if getattr(self, name) is not None}
        return change_task(self.task, given, has_data, _OWN_DATA)
