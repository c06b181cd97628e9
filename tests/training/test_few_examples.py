"""Epochs and learning rate for few examples, where nobody has said them."""

import pytest
from transformers import TrainingArguments

from bert_finetune_kit import ClassificationRecipe, LabelledSource, PretrainRecipe, QARecipe
from bert_finetune_kit.training.few_examples import Suggested, fit_to_examples
from bert_finetune_kit.training.preflight import optimizer_steps

CHECKPOINT = "google-bert/bert-base-uncased"


def arguments(tmp_path, **settings):
    suggested = {"num_train_epochs": Suggested(3), "learning_rate": Suggested(5e-5)}
    given = {"per_device_train_batch_size": 32, "use_cpu": True} | settings
    return TrainingArguments(output_dir=str(tmp_path), **(suggested | given))


@pytest.mark.parametrize(
    ("examples", "epochs"),
    [(1, 20), (90, 20), (480, 20), (481, 19), (2000, 5), (3168, 4), (3169, 3), (100_000, 3)],
)
def test_epochs_have_300_steps_and_are_20_at_most(tmp_path, examples, epochs):
    args = fit_to_examples(arguments(tmp_path), examples, lambda: 768).args
    assert args.num_train_epochs == epochs
    steps = optimizer_steps(examples, args)
    assert epochs == 20 or steps >= 300
    assert epochs == 3 or optimizer_steps(examples, arguments(tmp_path, num_train_epochs=epochs - 1)) < 300


@pytest.mark.parametrize(("width", "rate"), [(64, 3e-4), (128, 3e-4), (384, 1e-4), (768, 5e-5), (1024, 3.75e-5)])
def test_the_rate_is_in_inverse_proportion_to_the_width(tmp_path, width, rate):
    assert fit_to_examples(arguments(tmp_path), 90, lambda: width).args.learning_rate == pytest.approx(rate)
    assert fit_to_examples(arguments(tmp_path), 5000, lambda: width).args.learning_rate == 5e-5


def test_a_step_of_several_micro_batches_is_one_step(tmp_path):
    args = arguments(tmp_path, per_device_train_batch_size=8, gradient_accumulation_steps=4)
    assert fit_to_examples(args, 2000, lambda: 768).args.num_train_epochs == 5


@pytest.mark.parametrize("given", [{"num_train_epochs": 3.0}, {"learning_rate": 5e-5}])
def test_what_is_given_stays_also_where_it_is_the_default(tmp_path, given):
    fitted = fit_to_examples(arguments(tmp_path, **given), 90, lambda: 384)
    assert (fitted.args.num_train_epochs == 3) == ("num_train_epochs" in given)
    assert (fitted.args.learning_rate == 5e-5) == ("learning_rate" in given)
    assert all(f"set {name}" not in fitted.note for name in given)


def test_where_all_is_given_there_is_nothing_to_say(tmp_path):
    args = arguments(tmp_path, num_train_epochs=3, learning_rate=2e-5)
    assert fit_to_examples(args, 90, lambda: 384).note is None
    assert fit_to_examples(arguments(tmp_path), 5000, lambda: 384).note is None


def test_with_a_number_of_steps_the_rate_alone_is_chosen(tmp_path):
    fitted = fit_to_examples(arguments(tmp_path, max_steps=7), 90, lambda: 384)
    assert (fitted.args.num_train_epochs, fitted.args.max_steps) == (3, 7)
    assert (
        fitted.note
        == "a learning rate of 0.0001: chosen for 90 training examples; set learning_rate to train otherwise"
    )


def test_no_suggestion_is_left(tmp_path):
    for examples in (90, 5000):
        values = vars(fit_to_examples(arguments(tmp_path), examples, lambda: 384).args).values()
        assert not any(isinstance(value, Suggested) for value in values)


@pytest.mark.parametrize("recipe", [ClassificationRecipe, QARecipe])
def test_what_a_recipe_suggests(recipe):
    def suggested(**settings):
        return {name for name, value in vars(recipe.default_args(**settings)).items() if isinstance(value, Suggested)}

    assert suggested(model=CHECKPOINT) == {"num_train_epochs", "learning_rate"}
    assert suggested(model=CHECKPOINT, learning_rate=5e-5) == {"num_train_epochs"}
    assert suggested(model="tiny") == suggested(model=CHECKPOINT, lora=True) == {"num_train_epochs"}
    assert suggested(model="tiny", sample=True) == set()
    changed = recipe.default_args(model=CHECKPOINT)
    changed.num_train_epochs = 3.0
    assert not isinstance(changed.num_train_epochs, Suggested)


def test_pretraining_has_no_suggestions():
    assert not any(isinstance(value, Suggested) for value in vars(PretrainRecipe.default_args()).values())


def test_on_a_command_line():
    flags = ["--task", "sst2", "--model", CHECKPOINT, "--num_train_epochs", "3"]
    args = ClassificationRecipe.from_command_line(flags)[0].args
    assert isinstance(args.learning_rate, Suggested)
    assert not isinstance(args.num_train_epochs, Suggested)


def test_a_run_says_what_it_chose_and_is_repeated_with_it(tmp_path, capsys):
    rows = [{"text": text, "label": text.split()[-1]} for text in ("a good one", "a bad day") * 4]
    source = LabelledSource(rows, validation=rows)
    settings = {"output_dir": str(tmp_path / "run"), "eval_strategy": "no", "save_strategy": "no"}

    def recipe(**more):
        return ClassificationRecipe(source, text="text", label="label", model="tiny", args=settings | more)

    report = recipe().train()
    line = "20 epochs: chosen for 8 training examples; set num_train_epochs to train otherwise"
    assert capsys.readouterr().out.split("epoch ")[0].endswith(f"  {line}\n")
    assert line in report.notes
    assert report.settings["training"]["num_train_epochs"] == report.fingerprint["num_train_epochs"] == 20
    assert "num_train_epochs=20" in report.reproduce
    differences = recipe(num_train_epochs=22.0).current_fingerprint().items() ^ report.fingerprint.items()
    assert {name for name, _ in differences} == {"num_train_epochs"}
