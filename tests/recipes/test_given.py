import pytest
from transformers import TrainingArguments

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ConfigError,
    PretrainRecipe,
    QAConfig,
    QARecipe,
)


@pytest.mark.parametrize("recipe", [PretrainRecipe, ClassificationRecipe, QARecipe])
def test_settings_as_mappings(recipe):
    args = {"output_dir": "runs/mine", "num_train_epochs": 7, "save_steps": 8}
    made = recipe(model="tiny", args=args, config={"max_length": 112})
    expected = recipe(model="tiny", args=recipe.default_args(sample=True, **args))
    assert made.args.to_dict() == expected.args.to_dict()
    assert made.config.max_length == 112


def test_texts_for_numbers(tmp_path):
    """PyYAML reads 1e-4 as a text."""
    args = {"output_dir": str(tmp_path), "learning_rate": "1e-4", "num_train_epochs": "2", "max_steps": "3"}
    made = ClassificationRecipe(model="tiny", args=args).args
    assert (made.learning_rate, made.num_train_epochs, made.max_steps) == (1e-4, 2.0, 3)


def test_fields_that_are_not_given_are_those_of_the_sample():
    assert QARecipe(config={"doc_stride": 16}).config == QAConfig(max_length=128, doc_stride=16, max_question_length=32)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"args": {"num_epochs": 3}}, "args, a mapping .*no setting 'num_epochs'; did you mean 'num_train_epochs'"),
        ({"args": {"model": "tiny"}}, "no setting 'model'"),
        ({"args": {"learning_rate": "fast"}}, "args: learning_rate is 'fast': a number is needed"),
        ({"args": "runs/mine"}, "args is a str: give TrainingArguments, or a mapping such as"),
        (
            {"config": {"max_lenght": 3}},
            "ClassificationConfig: there is no setting 'max_lenght'; did you mean 'max_length'",
        ),
        ({"config": {"max_length": 1}}, "max_length is 1"),
        ({"config": QAConfig()}, "config is a QAConfig: give a ClassificationConfig"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    with pytest.raises(ConfigError, match=message):
        ClassificationRecipe(model="tiny", **settings)


def test_an_argument_that_the_trainer_has_not():
    with pytest.raises(ConfigError, match="no setting 'evaluation_strategy'; did you mean 'eval_strategy'"):
        PretrainRecipe.default_args(evaluation_strategy="epoch")


def test_objects_are_taken_as_they_are():
    args, config = TrainingArguments("runs/mine", use_cpu=True), ClassificationConfig(max_length=9)
    recipe = ClassificationRecipe(args=args, config=config)
    assert recipe.config is config
    assert recipe.args.to_dict() == args.to_dict()


def test_data_to_evaluate_on_in_every_recipe():
    assert PretrainRecipe("a.txt", validation="b.txt").source.validation == "b.txt"
    assert QARecipe("a.json", validation="b.json").source.validation == "b.json"
