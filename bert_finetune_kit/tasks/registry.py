"""Tasks by name."""

from difflib import get_close_matches

from ..errors import ConfigError
from .glue import GLUE_TASKS
from .task import ClassificationTask

SAMPLE_TASK = ClassificationTask("sample_reviews", labels=("negative", "positive"), metrics=("accuracy", "f1"))

_TASKS = {task.name: task for task in (*GLUE_TASKS, SAMPLE_TASK)}


def register_task(task: ClassificationTask, replace: bool = False) -> ClassificationTask:
    """Make a task known by its name, and return it.

    Args:
        task: the declaration.
        replace: whether it may take the place of another task of that name.

    Raises:
        ConfigError: it is no task, or the name is taken.
    """
    if not isinstance(task, ClassificationTask):
        raise ConfigError(f"register_task was given a {type(task).__name__}; it takes a ClassificationTask.")
    if _TASKS.get(task.name, task) != task and not replace:
        raise ConfigError(
            f"There is already a task {task.name!r}: choose another name, or say register_task(task, replace=True)."
        )
    _TASKS[task.name] = task
    return task


def get_task(name: str) -> ClassificationTask:
    """Return the task of a name.

    Raises:
        ConfigError: there is none; the message has the most similar names.
    """
    if name not in _TASKS:
        similar = get_close_matches(name.lower().replace("-", "").replace("_", ""), _TASKS, n=2, cutoff=0.5)
        hint = f"Did you mean {' or '.join(map(repr, similar))}? " if similar else ""
        raise ConfigError(f"There is no task {name!r}. {hint}There are: {', '.join(task_names())}.")
    return _TASKS[name]


def task_names() -> list[str]:
    """Return the names of all tasks, in the order they were made known."""
    return list(_TASKS)
