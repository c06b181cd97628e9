import json

import pytest

from bert_finetune_kit import ClassificationConfig, ClassificationTask, ConfigError, ModelError
from bert_finetune_kit.classification.task_file import TASK_FILE, find_task, load_task, save_task


def test_a_task_of_a_yaml_file(tmp_path):
    file = tmp_path / "stars.yaml"
    file.write_text("dataset: stars.csv\ntext: review\nlabels: [bad, good]\nmetrics: [f1]\n")
    task = find_task(str(file))
    assert (task.name, task.labels, task.metrics, task.best_metric) == ("stars", ("bad", "good"), ("f1",), "f1")
    for text, message in (("datset: stars.csv\n", "no field 'datset'"), ("- a\n", "a mapping")):
        file.write_text(text)
        with pytest.raises(ConfigError, match=message):
            find_task(str(file))
    with pytest.raises(ConfigError, match="cannot be read"):
        find_task(tmp_path / "missing.yaml")


def test_a_task_of_a_python_file(tmp_path, monkeypatch):
    monkeypatch.setattr("bert_finetune_kit.tasks.registry._TASKS", {})
    file = tmp_path / "my_tasks.py"
    file.write_text(
        "from bert_finetune_kit import ClassificationTask, register_task\n"
        "register_task(ClassificationTask('from_a_file', 'data.csv'))\n"
    )
    assert find_task(f"{file}:from_a_file").dataset == "data.csv"
    with pytest.raises(ConfigError, match="does not exist"):
        find_task("missing.py:name")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"task": None}, "ClassificationTask is null"),
        ({"task": []}, r"ClassificationTask is \[\]"),
        ({"task": {"name": "mine", "text": 3}}, "text is 3"),
        ({"task": {"name": "mine", "labels": "ab"}}, "labels is"),
        ({"task": {"name": "mine", "labels": ["a"]}}, "at least two are needed"),
        ({"task": {"text": "a"}}, "name is missing"),
        ({"config": {"max_length": None}}, "max_length is null"),
        ({"config": {"max_length": "48"}}, "max_length is"),
        ({"config": {"threshold": 7}}, "threshold is 7"),
        ({"config": 3}, "ClassificationConfig is 3"),
    ],
)
def test_a_damaged_file_beside_a_model(tmp_path, change, fault):
    save_task(ClassificationTask("mine"), ClassificationConfig(max_length=48), ("a", "b"), str(tmp_path))
    task, config = load_task(str(tmp_path), None)
    assert (task.labels, config.max_length) == (("a", "b"), 48)
    file = tmp_path / TASK_FILE
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | change))
    with pytest.raises(ModelError, match=f"is damaged: .*{fault}"):
        load_task(str(tmp_path), None)
    for name in content:
        file.write_text(json.dumps({key: value for key, value in content.items() if key != name}))
        with pytest.raises(ModelError, match=f"is damaged: '{name}' is missing"):
            load_task(str(tmp_path), None)


def test_the_separator_of_labels_is_saved(tmp_path):
    task = ClassificationTask("topics", kind="multi_label", label_separator=";", labels=("news", "sport"))
    save_task(task, ClassificationConfig(), ("news", "sport"), str(tmp_path))
    assert load_task(str(tmp_path), None)[0].label_separator == ";"
