"""Tasks as users name them, and as files: a YAML declaration, and what is saved beside a model."""

import json
import runpy
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import yaml
from transformers.utils.hub import cached_file

from ..errors import ConfigError, ModelError, raise_faults
from ..tasks.registry import SAMPLE_TASK, get_task
from ..tasks.task import ClassificationTask, Published
from .config import ClassificationConfig

TASK_FILE = "task.json"
_KEPT = ("max_length", "stride", "threshold")
_YAML = (".yaml", ".yml")


def find_task(given: ClassificationTask | str | Path | None) -> ClassificationTask:
    """Return a task from a declaration, a name or a YAML file; none means the bundled sample's.

    Raises:
        ConfigError: there is no such task or file, or the file declares none.
    """
    if given is None:
        return SAMPLE_TASK
    if isinstance(given, ClassificationTask):
        return given
    if Path(given).suffix.lower() in _YAML:
        return read_task(given)
    file, separator, name = str(given).rpartition(".py:")
    if separator:
        _run(Path(file + ".py").expanduser())
        return get_task(name)
    return get_task(str(given))


def _run(file: Path) -> None:
    """Run a Python file, which registers tasks, as an import would."""
    if not file.is_file():
        raise ConfigError(f"{file} does not exist: a task of a Python file is my_tasks.py:name.")
    runpy.run_path(str(file), run_name=file.stem)


def read_task(file: str | Path) -> ClassificationTask:
    """Return the task that a YAML file declares: a mapping of the fields of `ClassificationTask`.

    Raises:
        ConfigError: it cannot be read, or has fields that there are not.
    """
    try:
        settings: Any = yaml.safe_load(Path(file).expanduser().read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The task in {file} cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file} holds a {type(settings).__name__}; a mapping of a task's fields is needed.")
    known = [field.name for field in fields(ClassificationTask)]
    unknown = [name for name in settings if name not in known]
    raise_faults((f"a task has no field {name!r}; it has {', '.join(known)}" for name in unknown), str(file))
    try:
        if isinstance(settings.get("published"), dict):
            settings["published"] = Published(**settings["published"])
        settings.setdefault("name", Path(file).stem)
        return ClassificationTask(**settings)
    except TypeError as error:
        raise ConfigError(f"{file} declares no whole task: {error}") from error


def save_task(task: ClassificationTask, config: ClassificationConfig, labels: tuple[str, ...], folder: str) -> None:
    """Write beside a model what it takes to use it."""
    kept = ("name", "text", "text_pair", "kind", "best_metric")
    saved: dict[str, Any] = {name: getattr(task, name) for name in kept}
    saved["label"] = task.label if isinstance(task.label, str) else list(task.label)
    saved["labels"] = list(labels) or None
    settings = {name: value for name, value in asdict(config).items() if name in _KEPT}
    Path(folder, TASK_FILE).write_text(json.dumps({"task": saved, "config": settings}, indent=2) + "\n", "utf-8")


def load_task(folder: str, model_config: Any) -> tuple[ClassificationTask, ClassificationConfig]:
    """Return task and settings of a saved model; of a stock classifier as far as its config tells them.

    Raises:
        ModelError: the file beside the model is damaged.
    """
    found = cached_file(
        folder,
        TASK_FILE,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if found is not None:
        file = Path(found)
        try:
            saved = json.loads(file.read_text("utf-8"))
            return ClassificationTask(**saved["task"]), ClassificationConfig(**saved["config"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{file} is damaged: {error}") from error
    kinds = {"regression": "regression", "multi_label_classification": "multi_label"}
    usual = "single_label" if model_config.num_labels > 1 else "regression"
    kind: Any = kinds.get(str(model_config.problem_type), usual)
    names = tuple(str(model_config.id2label[number]) for number in sorted(model_config.id2label))
    task = ClassificationTask(Path(folder).name, kind=kind, labels=None if kind == "regression" else names)
    return task, ClassificationConfig(max_length=min(128, model_config.max_position_embeddings))
