import json
from pathlib import Path

import pytest
from datasets import Dataset
from transformers import EarlyStoppingCallback, TrainingArguments

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ClassificationTask,
    LabelledSource,
    PretrainConfig,
    Published,
    QAConfig,
    QARecipe,
    RunReport,
    get_task,
)
from bert_finetune_kit.reporting.reproduce import changed_arguments, python_code


def code_of(recipe):
    return python_code(type(recipe), recipe.given(), recipe.args)


@pytest.mark.page
def test_the_script_of_a_report_repeats_the_run(make_recipe, tokenizer, tmp_path, capsys):
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    recipe = make_recipe(
        tokenizer=str(tmp_path / "tokenizer"), recipe=PretrainConfig(max_length=48, mlm_probability=0.2), seed=7,
        learning_rate=3e-3,
    )  # fmt: skip
    report = recipe.train()
    script = RunReport.load(recipe.output_dir).reproduce
    assert script in Path(recipe.output_dir, "report.html").read_text("utf-8").replace("&#39;", "'")
    again = script.replace(repr(str(recipe.output_dir)), repr(str(tmp_path / "again")))
    exec(compile(again, "script", "exec"), {})
    assert RunReport.load(tmp_path / "again").result == json.loads(json.dumps(report.result))


def test_the_script_builds_equal_objects():
    task = ClassificationTask(
        "mine",
        "data.csv",
        text_pair="second",
        labels=("no", "yes"),
        published=(Published("us", {"accuracy": 0.9}), Published("them", {"accuracy": 0.8}, 7, {"test": 9})),
    )
    recipe = ClassificationRecipe(
        task, LabelledSource(max_train_examples=5), model="small", tokenizer=Path("a/b"),
        args=ClassificationRecipe.default_args("runs/mine", learning_rate=0.1, label_smoothing_factor=0.1),
        config=ClassificationConfig(class_weights=[1.0, 2.0]),
    )  # fmt: skip
    variables = {}
    exec(code_of(recipe).replace("recipe.train()", ""), variables)
    again = variables["recipe"]
    assert again.given() == recipe.given() | {"tokenizer": "a/b"}
    assert again.args.to_dict() == recipe.args.to_dict()


def test_default_values_are_not_written():
    recipe = QARecipe("squad_v2", model="runs/pretrain", args=TrainingArguments("runs/qa"), config=QAConfig())
    assert code_of(recipe).split("args = ")[1].splitlines() == [
        "TrainingArguments(", "    output_dir='runs/qa',", "    seed=42,", ")", "recipe = QARecipe(",
        "    source=QuestionSource(train='squad_v2'),", "    model='runs/pretrain',", "    args=args,", ")",
        "recipe.train()",
    ]  # fmt: skip


def test_an_object_that_cannot_be_written_is_named():
    recipe = ClassificationRecipe(
        get_task("sst2"), Dataset.from_dict({"sentence": ["a"]}), model="tiny", lora={"r": 3},
        callbacks=[EarlyStoppingCallback()],
    )  # fmt: skip
    code = code_of(recipe)
    assert "task='sst2'," in code
    assert "source=LabelledSource(train=...),  # replace by: Dataset" in code
    assert "callbacks=[...],  # replace by: EarlyStoppingCallback" in code
    assert "r=3" in code
    assert "from peft import LoraConfig" in code


@pytest.mark.parametrize("name", ["hub_token", "push_to_hub_token"])
def test_a_secret_is_not_written(name):
    args = TrainingArguments("runs/x")
    setattr(args, name, "hf_secret")
    assert "secret" not in str(changed_arguments(args))
    assert name not in changed_arguments(args)


def test_writing_does_not_change_the_state_of_accelerate():
    from accelerate import Accelerator

    args = TrainingArguments("runs/x", use_cpu=True)
    accelerator = Accelerator(cpu=True)
    changed_arguments(args)
    assert accelerator.distributed_type is not None
