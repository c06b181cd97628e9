"""Tasks by name and in files: a YAML declaration, and the one that is saved beside a model."""

import runpy
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import yaml

from ..compat.yaml import as_names, read_yaml
from ..errors import ConfigError, raise_faults
from ..inference.settings import load_settings, save_settings
from ..json_objects import from_mapping
from ..tasks.registry import SAMPLE_TASK, get_task
from ..tasks.task import ClassificationTask, Published
from .config import ClassificationConfig
from .metrics import METRICS

TASK_FILE = "task.json"
_TASK_FIELDS = ("name", "text", "text_pair", "label_separator", "kind", "best_metric")
_CONFIG_FIELDS = ("max_length", "stride", "threshold")
_YAML = (".yaml", ".yml")


def is_task_file(name: str) -> bool:
    """Whether a name is that of a file which declares or registers a task.

    >>> is_task_file("my_task.yaml"), is_task_file("my_tasks.py:topics"), is_task_file("reviews.csv")
    (True, True, False)
    """
    return ".py:" in name or Path(name).suffix.lower() in _YAML


def find_task(task: ClassificationTask | str | Path | None, advice: str = "") -> ClassificationTask:
    """Return a task from a declaration, a name or a file; none means the task of the bundled sample.

    Args:
        task: a declaration, the name of a registered task, a YAML file, or `my_tasks.py:name`.
        advice: end of the message where there is no such task.

    Raises:
        ConfigError: there is no such task or file, or the file does not declare a task.
    """
    if task is None:
        return SAMPLE_TASK
    if isinstance(task, ClassificationTask):
        return task
    if Path(task).suffix.lower() in _YAML:
        return read_task(task)
    file, separator, name = str(task).rpartition(".py:")
    if separator:
        _run(Path(file + ".py").expanduser())
        return get_task(name)
    return get_task(str(task), advice)


def _run(file: Path) -> None:
    """Run a Python file, which registers tasks, as an import would."""
    if not file.is_file():
        raise ConfigError(f"{file} does not exist: give a task of a Python file as my_tasks.py:name.")
    runpy.run_path(str(file), run_name=file.stem)


def read_task(file: str | Path) -> ClassificationTask:
    """Return the task that a YAML file declares: a mapping of the fields of `ClassificationTask`.

    Raises:
        ConfigError: it cannot be read, or has unknown fields.
    """
    try:
        settings: Any = read_yaml(Path(file).expanduser())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The task in {file} cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file} holds a {type(settings).__name__}; a mapping of the fields of a task is needed.")
    names = [field.name for field in fields(ClassificationTask)]
    unknown = [name for name in settings if name not in names]
    raise_faults((f"a task has no field {name!r}; its fields are {', '.join(names)}" for name in unknown), str(file))
    try:
        published = settings.get("published")
        if isinstance(published, dict):
            settings["published"] = Published(**published)
        if isinstance(published, list):
            settings["published"] = tuple(Published(**result) for result in published)
        settings.setdefault("name", Path(file).stem)
        settings["labels"] = as_names(settings.get("labels"))
        return ClassificationTask(**settings)
    except TypeError as error:
        raise ConfigError(f"{file} does not declare a complete task: {error}") from error


def save_task(task: ClassificationTask, config: ClassificationConfig, labels: tuple[str, ...], folder: str) -> None:
    """Write beside a model the settings that its use needs."""
    saved: dict[str, Any] = {name: getattr(task, name) for name in _TASK_FIELDS}
    saved["label"] = task.label if isinstance(task.label, str) else list(task.label)
    saved["labels"] = list(labels) or None
    saved["metrics"] = [metric for metric in task.metrics if isinstance(metric, str) and metric in METRICS]
    settings = {name: value for name, value in asdict(config).items() if name in _CONFIG_FIELDS}
    save_settings({"task": saved, "config": settings}, folder, TASK_FILE)


def load_task(folder: str, model_config: Any) -> tuple[ClassificationTask, ClassificationConfig]:
    """Return task and settings of a saved model; for a stock classifier they are derived from its config.

    Raises:
        ModelError: the file beside the model is damaged.
    """
    saved = load_settings(
        folder,
        TASK_FILE,
        lambda content: (
            from_mapping(ClassificationTask, content["task"]),
            from_mapping(ClassificationConfig, content["config"]),
        ),
    )
    if saved is not None:
        return saved
    kinds = {"regression": "regression", "multi_label_classification": "multi_label"}
    default = "single_label" if model_config.num_labels > 1 else "regression"
    kind: Any = kinds.get(str(model_config.problem_type), default)
    names = tuple(str(model_config.id2label[number]) for number in sorted(model_config.id2label))
    task = ClassificationTask(Path(folder).name, kind=kind, labels=None if kind == "regression" else names)
    return task, ClassificationConfig(max_length=min(128, model_config.max_position_embeddings))
