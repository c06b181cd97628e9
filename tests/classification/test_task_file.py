import pytest

from bert_finetune_kit import ConfigError
from bert_finetune_kit.classification.task_file import find_task


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
