import pytest

from bert_finetune_kit import ClassificationTask, ConfigError, get_task, register_task, task_names
from bert_finetune_kit.tasks import registry
from bert_finetune_kit.tasks.glue import GLUE_TASKS


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))


def test_glue_is_complete():
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


def test_published_scores_are_of_metrics_of_the_task():
    for task in GLUE_TASKS:
        prefixes = ("",) if len(task.validation_splits) == 1 else tuple(f"{split}_" for split in task.validation_splits)
        metrics = {prefix + metric for prefix in prefixes for metric in task.metrics}
        for result in task.published_results:
            assert set(result.scores) <= metrics
            assert set(result.examples) in ({"test"}, set(task.validation_splits))


def test_a_task_is_registered_by_name_and_once():
    task = register_task(ClassificationTask("toy", dataset="toy.csv"))
    assert get_task("toy") is task
    register_task(task)  # an equal task changes nothing
    assert get_task("toy") is task
    with pytest.raises(ConfigError, match="task 'toy' is already registered"):
        register_task(ClassificationTask("toy", dataset="other.csv"))
    register_task(ClassificationTask("toy", dataset="other.csv"), replace=True)
    assert get_task("toy").dataset == "other.csv"
    with pytest.raises(ConfigError, match="give a ClassificationTask"):
        register_task({"name": "toy"})


@pytest.mark.parametrize(("typo", "name"), [("sst-2", "sst2"), ("mlni", "mnli"), ("STS-B", "stsb"), ("MRPC", "mrpc")])
def test_a_typo_gets_a_hint(typo, name):
    with pytest.raises(ConfigError, match=f"Did you mean .*'{name}'"):
        get_task(typo)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": ""}, "name is empty"),
        ({"kind": "multiclass"}, "kind is 'multiclass'"),
        ({"labels": ("a", "a")}, "each name must be unique"),
        ({"labels": ("a",)}, "at least two are needed"),
        ({"labels": (0, 1)}, "must be strings"),
        ({"labels": "ab"}, "give a tuple"),
        ({"text": ["a", "b"]}, r"text is \['a', 'b'\]: text is one column, the second one is text_pair='b'"),
        ({"text": None}, "text is None: give the name of one column"),
        ({"text_pair": ("a",)}, "text_pair is .*: give the name of one"),
        ({"label": 3}, "label is 3: give the name of a column"),
        ({"label": ("a", 3), "kind": "multi_label"}, "label is .*: give the name of a column"),
        ({"label_separator": 1, "kind": "multi_label"}, "label_separator is 1: give one text"),
        ({"kind": "regression", "labels": ("a", "b")}, "which has none"),
        ({"label": ("a", "b")}, "several need kind 'multi_label'"),
        ({"text": "label"}, "each needs its own column"),
        ({"validation_splits": ()}, "at least one split"),
    ],
)
def test_an_invalid_declaration_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ClassificationTask(**({"name": "toy"} | settings))


def test_all_faults_at_once():
    with pytest.raises(ConfigError, match=r"2 faults"):
        ClassificationTask("toy", kind="x", labels=("a", "a"))
