"""What a user gives a classification, a task or data with the names of their columns → task and source."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..data.opening import is_model_folder, looks_like_path
from ..data.sources import DataSource, LabelledSource, as_source
from ..errors import ConfigError
from ..tasks.registry import task_names
from ..tasks.task import ClassificationTask
from .task_file import find_task, is_task_file

TASK_FIELDS = ("text", "text_pair", "label", "labels", "label_separator", "kind", "metrics")
"""Fields of a task that a recipe takes beside the task or the data."""
_OWN_DATA = (
    "Data of your own stand in its place: a file with its ending ('reviews.csv'), a folder, a Hub id ('org/name'), a "
    "DataFrame, a list of dicts or a Dataset, with the columns beside it, as in text='review', label='stars'."
)


def choose_task(
    given: Any, source: Any, validation: Any, task_fields: Mapping[str, Any]
) -> tuple[ClassificationTask, LabelledSource]:
    """Return what to train on, and what its columns are.

    Args:
        given: a task as `find_task` takes it, or data as `LabelledSource.train` takes them, or a `LabelledSource`.
        source: data, where `given` is a task.
        validation: data to evaluate on.
        task_fields: fields of the task, by name.

    Raises:
        ConfigError: there is no such task, or data are given twice.
    """
    if is_data(given):
        if source is not None:
            raise ConfigError(_two_data_sets(given, source))
        given, source = None, given
    chosen = as_source(LabelledSource, source, validation)
    return change_task(given, task_fields, chosen.train is not None, _OWN_DATA), chosen


def _two_data_sets(given: Any, source: Any) -> str:
    if _is_list_of_values(given) and _is_list_of_values(source):
        return (
            'There are two lists. Texts and labels belong together: give one dict of columns, as in {"text": texts, '
            '"label": labels}, or a list of dicts. Data to evaluate on are passed as validation=.'
        )
    if isinstance(source, str | Path) and is_model_folder(Path(source).expanduser()):
        return f"{source} is the folder of a model: pass it as model=."
    model = ", and a model as model=" if isinstance(source, str | Path) else ""
    names = f"{_name(given)} and {_name(source)}"
    return f"There are two data sets, {names}. Pass the one to evaluate on as validation={model}."


def _is_list_of_values(given: Any) -> bool:
    """Whether something has texts or labels alone: no names of columns, and no paths of files."""
    if (
        isinstance(given, str | Path | Mapping | DataSource)
        or hasattr(given, "columns")
        or not hasattr(given, "__iter__")
    ):
        return False
    return not any(
        isinstance(item, Mapping | Path) or (isinstance(item, str) and looks_like_path(item)) for item in given
    )


def change_task(task: Any, task_fields: Mapping[str, Any], has_data: bool, advice: str = "") -> ClassificationTask:
    """Return a task with some of its fields changed.

    Args:
        task: as `find_task` takes it; none means that of the bundled sample, or with data a new one.
        task_fields: fields by name.
        has_data: whether data are given.
        advice: end of the error for a task that does not exist.

    Raises:
        ConfigError: there is no such task, or its fields do not fit each other.
    """
    if task is None and (has_data or task_fields):
        return ClassificationTask("my_task", **task_fields)
    found = find_task(task, advice)
    if "kind" in task_fields or "metrics" in task_fields:
        task_fields = {"best_metric": None, "metrics": ()} | dict(task_fields)
    return replace(found, **task_fields) if task_fields else found


def is_data(given: Any) -> bool:
    """Whether data are given, and no task: a path, a Hub id, data in memory, a source. The name of a task is that task.

    >>> is_data("reviews.csv"), is_data("org/reviews"), is_data("sst2"), is_data("my_task.yaml"), is_data("sst-2")
    (True, True, False, False, False)
    """
    if given is None or isinstance(given, ClassificationTask):
        return False
    if not isinstance(given, str | Path):
        return True
    name = str(given)
    if is_task_file(name) or name in task_names():
        return False
    return isinstance(given, Path) or "/" in name or looks_like_path(name) or Path(name).expanduser().exists()


def _name(given: Any) -> str:
    return repr(str(given)) if isinstance(given, str | Path) else f"a {type(given).__name__}"
