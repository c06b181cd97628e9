"""The registry of tasks, by name."""

from difflib import get_close_matches

from ..errors import ConfigError
from .glue import GLUE_TASKS
from .task import ClassificationTask

SAMPLE_TASK = ClassificationTask("sample_reviews", labels=("negative", "positive"), metrics=("accuracy", "f1"))

_TASKS = {task.name: task for task in (*GLUE_TASKS, SAMPLE_TASK)}


def register_task(task: ClassificationTask, replace: bool = False) -> ClassificationTask:
    """Register a task under its name, and return it.

    Args:
        task: the declaration.
        replace: whether to replace another task of that name.

    Raises:
        ConfigError: it is not a task, or another task has that name.
    """
    if not isinstance(task, ClassificationTask):
        raise ConfigError(f"register_task got a {type(task).__name__}: give a ClassificationTask.")
    if _TASKS.get(task.name, task) != task and not replace:
        raise ConfigError(
            f"A different task {task.name!r} is already registered: choose another name, or pass replace=True."
        )
    _TASKS[task.name] = task
    return task


def get_task(name: str, advice: str = "") -> ClassificationTask:
    """Return the task registered under a name.

    Args:
        name: of the task.
        advice: end of the message where there is no such task.

    Raises:
        ConfigError: there is no such task; the message suggests similar names.
    """
    if name not in _TASKS:
        similar = get_close_matches(name.lower().replace("-", "").replace("_", ""), _TASKS, n=2, cutoff=0.5)
        hint = f"Did you mean {' or '.join(map(repr, similar))}? " if similar else ""
        more = f" {advice}" if advice else ""
        raise ConfigError(f"There is no task {name!r}. {hint}Registered tasks: {', '.join(task_names())}.{more}")
    return _TASKS[name]


def task_names() -> list[str]:
    """Return the names of all tasks, in the order of registration."""
    return list(_TASKS)
