from bert_finetune_kit import get_task
from bert_finetune_kit.classification.command_line import TaskArguments
from bert_finetune_kit.tasks.registry import SAMPLE_TASK


def test_the_selected_task():
    assert TaskArguments().find(has_data=False) == SAMPLE_TASK
    assert TaskArguments("mrpc").find(has_data=True) == get_task("mrpc")
    task = TaskArguments().find(has_data=True)
    assert (task.text, task.label, task.kind) == ("text", "label", "single_label")


def test_flags_override_fields_of_a_task():
    task = TaskArguments("mrpc", text="first", labels=["no", "yes"]).find(has_data=False)
    assert (task.text, task.text_pair, task.labels, task.metrics) == (
        "first",
        "sentence2",
        ("no", "yes"),
        ("f1", "accuracy"),
    )
    task = TaskArguments("mrpc", metrics=["accuracy"]).find(has_data=False)
    assert (task.metrics, task.best_metric) == (("accuracy",), "accuracy")
    task = TaskArguments(kind="regression").find(has_data=False)
    assert (task.dataset, task.metrics) == (None, ("pearson", "spearman"))
