import pytest

from bert_finetune_kit import ClassificationTask, ConfigError, get_task, register_task, task_names
from bert_finetune_kit.tasks import registry
from bert_finetune_kit.tasks.glue import GLUE_TASKS


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))


def test_glue_is_whole():
    names = ["cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "qnli", "rte", "wnli", "ax"]
    assert [task.name for task in GLUE_TASKS] == names
    assert task_names()[: len(names)] == names
    for name in names:
        task = get_task(name)
        assert (task.dataset, task.hub_config) == ("nyu-mll/glue", name)
    assert get_task("mnli").validation_splits == ("validation_matched", "validation_mismatched")
    assert get_task("stsb").kind == "regression"
    assert get_task("qnli").labels == ("entailment", "not_entailment")
    assert get_task("wnli").labels == ("not_entailment", "entailment")


def test_published_scores_are_of_metrics_that_the_task_has():
    for task in GLUE_TASKS:
        prefixes = ("",) if len(task.validation_splits) == 1 else tuple(f"{one}_" for one in task.validation_splits)
        known = {prefix + metric for prefix in prefixes for metric in task.metrics}
        assert set(task.published.scores if task.published else ()) <= known


def test_a_task_is_registered_by_name_and_once():
    task = register_task(ClassificationTask("toy", dataset="toy.csv"))
    assert get_task("toy") is task
    register_task(task)  # the same once more changes nothing
    with pytest.raises(ConfigError, match="already a task 'toy'"):
        register_task(ClassificationTask("toy", dataset="other.csv"))
    register_task(ClassificationTask("toy", dataset="other.csv"), replace=True)
    assert get_task("toy").dataset == "other.csv"
    with pytest.raises(ConfigError, match="takes a ClassificationTask"):
        register_task({"name": "toy"})


@pytest.mark.parametrize(("typo", "meant"), [("sst-2", "sst2"), ("mlni", "mnli"), ("STS-B", "stsb"), ("MRPC", "mrpc")])
def test_a_typo_gets_a_hint(typo, meant):
    with pytest.raises(ConfigError, match=f"Did you mean .*'{meant}'"):
        get_task(typo)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": ""}, "name is empty"),
        ({"kind": "multiclass"}, "kind is 'multiclass'"),
        ({"labels": ("a", "a")}, "each name must be there once"),
        ({"labels": ("a",)}, "nothing to tell apart"),
        ({"labels": (0, 1)}, "as strings"),
        ({"labels": "ab"}, "give a tuple"),
        ({"kind": "regression", "labels": ("a", "b")}, "which has none"),
        ({"label": ("a", "b")}, "only a multi_label task"),
        ({"text": "label"}, "each needs its own column"),
        ({"validation_splits": ()}, "at least one split"),
    ],
)
def test_a_wrong_declaration_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ClassificationTask(**({"name": "toy"} | settings))


def test_all_faults_at_once():
    with pytest.raises(ConfigError, match=r"2 faults"):
        ClassificationTask("toy", kind="x", labels=("a", "a"))
