"""The only tests of this slice that train: a few steps each."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertForPreTraining, TrainerCallback

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ClassificationTask,
    ConfigError,
    DataError,
    KitError,
    LabelledSource,
    ModelError,
    OutputError,
    RunReport,
)
from bert_finetune_kit.classification.command_line import TaskArguments
from bert_finetune_kit.data.sample import sample_reviews

SMALL = LabelledSource(max_train_examples=96, max_validation_examples=40)


@pytest.fixture
def make(tmp_path, tokenizer, config):
    """Build a recipe on the bundled sample; keywords beside those of the recipe go to the Trainer."""

    def make(task=None, source=SMALL, model=None, recipe=None, lora=None, output_dir=tmp_path / "run", **settings):
        settings = {"num_train_epochs": 2, "learning_rate": 2e-3, "per_device_train_batch_size": 16} | settings
        args = ClassificationRecipe.default_args(str(output_dir), **settings)
        return ClassificationRecipe(
            task, source, model=model or config, tokenizer=tokenizer, config=recipe, args=args, lora=lora
        )

    return make


def toy(count=48, **columns):
    texts = [row["text"] for row in sample_reviews("train", count=count)]
    return Dataset.from_dict({"text": texts, "label": [number % 3 for number in range(count)]} | columns)


def test_a_run_from_data_to_report(make, capsys):
    recipe = make()
    report = recipe.train()
    folder = recipe.output_dir
    assert [row["epoch"] for row in report.scores] == [1.0, 2.0]
    assert RunReport.load(folder).details == json.loads(json.dumps(report.details))
    told = report.details["validation"]
    assert told["examples"] == 40
    assert sum(map(sum, told["confusion"])) == 40
    assert told["scores"]["accuracy"] == pytest.approx(report.result["accuracy"])
    assert told["intervals"]["f1"][0] <= told["scores"]["f1"] <= told["intervals"]["f1"][1]
    assert told["baseline"]["accuracy"] == pytest.approx(0.5, abs=0.1)
    assert report.data["train"]["examples"] == 96
    text = Path(folder, "report.md").read_text("utf-8")
    for heading in ("## Scores", "## Result on validation", "## By label, validation", "## Confusion, validation"):
        assert heading in text
    printed = capsys.readouterr().out
    assert "95% interval" in printed
    assert "accuracy" in printed
    stock = AutoModelForSequenceClassification.from_pretrained(folder)
    assert stock.config.id2label == {0: "negative", 1: "positive"}
    assert type(stock).__module__.startswith("transformers")
    with pytest.raises(OutputError, match="already holds a finished run"):
        make().train()


def test_predictions_of_a_fresh_recipe_are_those_of_the_stock_model(make):
    recipe = make(max_steps=3)
    with pytest.raises(ConfigError, match="Nothing has been trained"):
        recipe.predict("a")
    recipe.train()
    texts = [row["text"] for row in sample_reviews("validation", count=7)]
    again = ClassificationRecipe.from_pretrained(recipe.output_dir)
    predictions = again.predict(texts)
    for one, other in zip(predictions, recipe.predict(texts), strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-6)
    stock = AutoModelForSequenceClassification.from_pretrained(recipe.output_dir)
    tokenizer = AutoTokenizer.from_pretrained(recipe.output_dir)
    for text, prediction in zip(texts, predictions, strict=True):
        probabilities = stock(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert list(prediction.scores.values()) == pytest.approx(probabilities, abs=1e-5)
        assert prediction.label == ("negative", "positive")[int(np.argmax(probabilities))]
        assert prediction.score == max(prediction.scores.values())
    assert again.predict(Dataset.from_dict({"text": texts})) == predictions
    assert [one.label for one in again.predict(texts[0])] == [predictions[0].label]
    for wrong in ([], 3, [3], [("a", "b")], [""]):
        with pytest.raises(DataError):
            again.predict(wrong)


@pytest.mark.parametrize(
    ("task", "data", "shown"),
    [
        (ClassificationTask("stars"), toy(), {"f1_macro", "accuracy"}),
        (
            ClassificationTask("pairs", text_pair="other", kind="regression"),
            toy(other=["a dog"] * 48, label=[n / 7 for n in range(48)]),
            {"pearson", "spearman"},
        ),
        (
            ClassificationTask("topics", kind="multi_label"),
            toy(label=[["a"] if n % 3 else ["a", "b"] if n % 2 else [] for n in range(48)]),
            {"f1_micro", "accuracy"},
        ),
        pytest.param(
            ClassificationTask("columns", kind="multi_label", label=("loud", "rude")),
            toy(loud=[n % 2 for n in range(48)], rude=[n % 3 == 0 for n in range(48)]),
            {"f1_macro"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["classes", "regression of pairs", "lists of labels", "columns of labels"],
)
def test_kinds_of_task(make, task, data, shown):
    recipe = make(task, data, max_steps=4)
    report = recipe.train()
    assert shown <= set(report.result)
    assert any("held out" in note for note in report.notes)
    again = ClassificationRecipe.from_pretrained(recipe.output_dir)
    given = [("a loud dog", "a cat")] if task.text_pair else ["a loud dog"]
    (one,), (other,) = again.predict(given), recipe.predict(given)
    assert one.scores == pytest.approx(other.scores, abs=1e-6)
    assert one.score == pytest.approx(other.score, abs=1e-6)


@pytest.mark.page
def test_the_worst_errors_are_what_the_saved_model_says(make):
    """Of a split that was held out, where the rows of the data are not those of the split."""
    recipe = make(ClassificationTask("toy"), toy(), num_train_epochs=1)
    report = recipe.train()
    errors = report.details["validation"]["worst_errors"]
    assert errors
    by_text = {row["text"]: str(row["label"]) for row in toy()}
    for one in errors:
        (text,) = one["texts"]
        assert by_text[text] == one["true"] != one["said"]
        (said,) = recipe.predict([text])
        assert (said.label, said.score) == (one["said"], pytest.approx(one["probability"], abs=1e-5))
    assert report.tables[-1].title == "Worst errors, validation"
    assert report.intervals == report.details["validation"]["intervals"]
    assert report.baselines["constant"] == report.details["validation"]["baseline"]
    page = Path(recipe.output_dir, "report.html").read_text("utf-8")
    for title in ("Confusion, validation", "Reliability, validation", "How frequent the labels are", errors[0]["said"]):
        assert title in page


@pytest.mark.page
def test_several_validation_splits(make):
    task = ClassificationTask("toy", validation_splits=("validation_matched", "validation_mismatched"))
    data = DatasetDict(train=toy(), validation_matched=toy(12), validation_mismatched=toy(9))
    recipe = make(task, data)
    report = recipe.train()
    assert recipe.trainer.args.metric_for_best_model == "validation_matched_accuracy"
    assert [row["epoch"] for row in report.scores] == [1.0, 2.0]
    assert {"validation_matched_accuracy", "validation_mismatched_accuracy"} <= set(report.scores[0])
    assert [report.details[split]["examples"] for split in task.validation_splits] == [12, 9]
    assert "validation_mismatched_accuracy" in report.intervals
    page = Path(recipe.output_dir, "report.html").read_text("utf-8")
    assert "Confusion, validation_matched" in page
    assert "Confusion, validation_mismatched" in page


class Worsen(TrainerCallback):
    """Spoils the model after the first evaluation, so that the first checkpoint is the best."""

    def on_epoch_begin(self, args, state, control, model=None, **_):
        if state.global_step:
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.mul_(not parameter.requires_grad)


@pytest.mark.parametrize("lora", [None, {"r": 2}])
def test_the_best_checkpoint_is_restored_and_early_stopping_stops(make, lora):
    recipe = make(num_train_epochs=6, recipe=ClassificationConfig(early_stopping_patience=2), lora=lora)
    recipe.callbacks.append(Worsen())
    report = recipe.train()
    assert len(report.scores) == 3
    assert report.result == report.scores[0]
    assert report.details["validation"]["scores"]["accuracy"] == pytest.approx(report.result["accuracy"])
    assert report.details["validation"]["scores"]["calibration_error"] == pytest.approx(
        report.result["calibration_error"], abs=1e-6
    )
    assert AutoModelForSequenceClassification.from_pretrained(recipe.output_dir).classifier.weight.abs().sum() > 0


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft's own loading
def test_lora_trains_little_keeps_the_head_and_reloads_with_equal_logits(make, config, tmp_path):
    from peft import LoraConfig, PeftModel

    BertForPreTraining(config).save_pretrained(tmp_path / "pretrained")
    lora = LoraConfig(r=2, target_modules=["query", "value"])
    recipe = make(model=str(tmp_path / "pretrained"), lora=lora, max_steps=4)
    before = {name: value.clone() for name, value in recipe.prepared().model.named_parameters()}
    report = recipe.train()
    assert report.parameters["trainable"] < report.parameters["total"] / 5
    moved = {name for name, value in recipe.prepared().model.named_parameters() if not torch.equal(value, before[name])}
    assert all("lora_" in name or "classifier.modules_to_save" in name for name in moved)
    assert any("classifier.modules_to_save" in name for name in moved)

    texts = [row["text"] for row in sample_reviews("validation", count=5)]
    inputs = AutoTokenizer.from_pretrained(recipe.output_dir)(texts, return_tensors="pt", padding=True)
    trained = recipe.prepared().model.eval()(**inputs).logits
    merged = AutoModelForSequenceClassification.from_pretrained(recipe.output_dir)
    torch.testing.assert_close(merged(**inputs).logits, trained, atol=1e-5, rtol=1e-5)
    base = AutoModelForSequenceClassification.from_pretrained(tmp_path / "pretrained")
    adapted = PeftModel.from_pretrained(base, str(Path(recipe.output_dir, "adapter"))).eval()
    torch.testing.assert_close(adapted(**inputs).logits, trained)
    again = ClassificationRecipe.from_pretrained(recipe.output_dir)
    assert [one.label for one in again.predict(texts)] == [one.label for one in recipe.predict(texts)]


def test_frozen_layers_stay_and_rates_fall_layer_by_layer(make):
    recipe = make(recipe=ClassificationConfig(freeze_layers=1, layer_decay=0.5), max_steps=2)
    before = {name: value.clone() for name, value in recipe.prepared().model.named_parameters()}
    recipe.train()
    after = dict(recipe.prepared().model.named_parameters())
    for name, value in before.items():
        frozen = "embeddings" in name or "layer.0." in name
        assert torch.equal(value, after[name]) is frozen, name
    named = {id(value): name for name, value in after.items()}
    rates = {}
    for group in recipe.trainer.optimizer.param_groups:
        for value in group["params"]:
            rates[named[id(value)]] = group["initial_lr"]
    assert rates["classifier.weight"] == recipe.args.learning_rate
    assert rates["bert.encoder.layer.1.output.dense.weight"] == recipe.args.learning_rate / 2
    assert recipe.trainer.optimizer.param_groups[0]["initial_lr"] == recipe.args.learning_rate


def test_gradient_of_accumulated_batches_with_class_weights_and_windows(make, tmp_path):
    """Against the closed form: the weighted mean over all examples of the effective batch."""
    gradients = {}

    class Keep(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **_):
            gradients[args.output_dir] = {name: value.grad.clone() for name, value in model.named_parameters()}

    config = ClassificationConfig(max_length=20, stride=4, class_weights=[0.3, 3.0])
    quiet = {"max_steps": 1, "max_grad_norm": 0.0, "eval_strategy": "no", "save_strategy": "no"}
    runs = {"whole": (16, 1), "split": (4, 4)}
    for name, (batch, accumulation) in runs.items():
        recipe = make(
            recipe=config, output_dir=tmp_path / name, per_device_train_batch_size=batch,
            gradient_accumulation_steps=accumulation, load_best_model_at_end=False, **quiet,
        )  # fmt: skip
        recipe.callbacks.append(Keep())
        recipe.fit(recipe.prepared(), None)
    whole, split = (gradients[str(tmp_path / name)] for name in runs)
    norm = torch.stack([value.norm() for value in whole.values()]).norm()
    assert torch.stack([(split[name] - value).norm() for name, value in whole.items()]).norm() / norm < 1e-5

    recipe = make(recipe=config, output_dir=tmp_path / "plain")
    prepared = recipe.prepared()
    keys = list(recipe.build_trainer(prepared, recipe.args)._get_train_sampler())[:16]
    batch = prepared.collator([prepared.train[key] for key in keys])
    assert len(batch["input_ids"]) > 16
    labels, owner = batch.pop("labels"), batch.pop("window_example")
    batch.pop("weights")
    logits = prepared.model.train()(**batch).logits
    pooled = torch.stack([logits[owner == example].mean(0) for example in range(16)])
    torch.nn.CrossEntropyLoss(weight=torch.tensor([0.3, 3.0]))(pooled, labels).backward()
    theirs = {name: value.grad for name, value in prepared.model.named_parameters()}
    assert torch.stack([(whole[name] - value).norm() for name, value in theirs.items()]).norm() / norm < 1e-5


def test_balanced_weights(make):
    recipe = make(
        ClassificationTask("toy"), toy(label=[0] * 36 + [1] * 12), recipe=ClassificationConfig(class_weights="balanced")
    )
    prepared = recipe.prepared()
    counts = np.bincount(prepared.train.labels)
    assert prepared.collator.class_weights.tolist() == pytest.approx((counts.sum() / 2 / counts).tolist())


def test_label_smoothing_is_heeded(make):
    plain, smooth = make(), make(label_smoothing_factor=0.3)
    assert (plain.prepared().model.label_smoothing, smooth.prepared().model.label_smoothing) == (0, 0.3)


def test_several_seeds(make, capsys):
    recipe = make(max_steps=2)
    report = recipe.train_seeds([3, 4])
    folder = Path(recipe.output_dir)
    values = [RunReport.load(folder / f"seed-{seed}").result["loss"] for seed in (3, 4)]
    assert values[0] != values[1]
    assert report.mean["loss"] == pytest.approx(np.mean(values))
    assert report.std["loss"] == pytest.approx(np.std(values, ddof=1))
    assert json.loads((folder / "seeds.json").read_text())["seeds"] == [3, 4]
    assert "mean ± std" in capsys.readouterr().out
    again = make(max_steps=2).train_seeds([3, 4])  # both have finished: nothing is trained again
    assert again == report
    with pytest.raises(OutputError, match=r"learning_rate 0\.002, and 0\.5 is asked for"):
        make(max_steps=2, learning_rate=0.5).train_seeds([3, 4])
    with pytest.raises(OutputError, match="max_length 128, and 64"):
        make(max_steps=2, recipe=ClassificationConfig(max_length=64)).train_seeds([3, 4])
    with pytest.raises(ConfigError, match="two or more"):
        recipe.train_seeds([1, 1])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"recipe": ClassificationConfig(max_length=500)}, ConfigError, "has 128 positions"),
        ({"recipe": ClassificationConfig(freeze_layers=9)}, ConfigError, "has 2 layers"),
        ({"recipe": ClassificationConfig(class_weights=[1.0, 2.0, 3.0])}, ConfigError, "there are 2 labels"),
        (
            {"recipe": ClassificationConfig(early_stopping_patience=1), "load_best_model_at_end": False},
            ConfigError, "load_best_model_at_end=True",
        ),
        ({"model": "no/such-folder/here"}, ModelError, "cannot be loaded"),
        ({"task": "sst-2"}, ConfigError, "Did you mean"),
        ({"task": ClassificationTask("t", text="texts"), "source": toy()}, DataError, "did you mean 'text'"),
        ({"task": ClassificationTask("t"), "source": toy(label=[1] * 48)}, DataError, "All 48|All 43"),
        ({"task": ClassificationTask("t"), "source": toy(label=[0, None] * 24)}, DataError, "row 1 .*missing"),
        ({"task": ClassificationTask("t", metrics=("f1",)), "source": toy()}, ConfigError, "3 labels"),
        ({"task": ClassificationTask("t", kind="regression"), "label_smoothing_factor": 0.1}, ConfigError, "single"),
        ({"lora": {"rank": 3}}, ConfigError, "no LoraConfig"),
        ({"lora": {"target_modules": ["nothing"]}}, ModelError, "LoRA cannot be added"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_training(make, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        make(**settings).train()
    assert not list(tmp_path.rglob("checkpoint-*"))


def test_a_checkpoint_without_a_head_is_no_classifier(config, tmp_path):
    BertForPreTraining(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="no trained classifier"):
        ClassificationRecipe.from_pretrained(tmp_path)


def test_all_faults_of_a_config_at_once():
    with pytest.raises(ConfigError, match="4 faults"):
        ClassificationConfig(max_length=1, layer_decay=0, threshold=2, class_weights="equal")


def test_a_model_is_asked_for():
    with pytest.raises(ConfigError, match="there is no model"):
        ClassificationRecipe("sst2", source=toy()).train()


def test_from_the_command_line(tmp_path, tokenizer, config):
    config.save_pretrained(tmp_path / "model")
    data = tmp_path / "stars.csv"
    toy().rename_columns({"text": "review", "label": "stars"}).to_csv(data)
    flags = f"--train {data} --text review --label stars --model tiny --output_dir {tmp_path}/run --max_steps 2".split()
    recipe, run = ClassificationRecipe.from_command_line([*flags, "--seeds", "1", "2", "--lora", '{"r": 3}'])
    assert (recipe.task.text, recipe.task.label, recipe.lora.r, run.seeds) == ("review", "stars", 3, [1, 2])
    recipe, _ = ClassificationRecipe.from_command_line(["--task", "mrpc", "--model", "tiny", "--metrics", "accuracy"])
    assert (recipe.task.name, recipe.task.best_metric) == ("mrpc", "accuracy")
    for given, meant in ((["balanced"], "balanced"), (["1", "2.5"], [1.0, 2.5])):
        recipe, _ = ClassificationRecipe.from_command_line(["--class_weights", *given])
        assert recipe.config.class_weights == meant
    with pytest.raises(ConfigError, match="a number above 0"):
        ClassificationRecipe.from_command_line(["--class_weights", "1", "two"])
    recipe, _ = ClassificationRecipe.from_command_line([])
    assert recipe.is_sample
    assert recipe.args.load_best_model_at_end


def test_a_task_from_a_yaml_file(tmp_path):
    file = tmp_path / "stars.yaml"
    file.write_text("dataset: stars.csv\ntext: review\nlabels: [bad, good]\nmetrics: [f1]\n")
    task = TaskArguments(task=str(file)).find(has_data=False)
    assert (task.name, task.labels, task.metrics, task.best_metric) == ("stars", ("bad", "good"), ("f1",), "f1")
    file.write_text("datset: stars.csv\n")
    with pytest.raises(ConfigError, match="no field 'datset'"):
        TaskArguments(task=str(file)).find(has_data=False)
    file.write_text("- a\n")
    with pytest.raises(ConfigError, match="a mapping"):
        TaskArguments(task=str(file)).find(has_data=False)
    with pytest.raises(KitError, match="cannot be read"):
        TaskArguments(task="missing.yaml").find(has_data=False)


@pytest.mark.parametrize(
    ("task", "settings", "key", "greater"),
    [
        (ClassificationTask("t", kind="regression", best_metric="mse"), {}, "mse", False),
        (ClassificationTask("t", kind="regression"), {"metric_for_best_model": "mae"}, "mae", False),
        (ClassificationTask("t", kind="regression"), {"metric_for_best_model": "eval_loss"}, "loss", False),
        (ClassificationTask("t", kind="regression"), {}, "pearson", True),
    ],
)
def test_the_best_is_chosen_in_the_right_direction(make, task, settings, key, greater):
    recipe = make(task, toy(), **settings)
    recipe.prepared()
    assert (recipe.args.metric_for_best_model, recipe.args.greater_is_better) == (key, greater)


def test_a_score_that_there_is_not_is_refused_before_training(make):
    for task, settings in (
        (ClassificationTask("t", best_metric="acuracy"), {}),
        (ClassificationTask("t"), {"metric_for_best_model": "f1_mcro"}),
    ):
        with pytest.raises(ConfigError, match="There is no score"):
            make(task, toy(), **settings).train()


def test_a_task_of_a_python_file(tmp_path):
    file = tmp_path / "my_tasks.py"
    file.write_text(
        "from bert_finetune_kit import ClassificationTask, register_task\n"
        "register_task(ClassificationTask('from_a_file', 'data.csv'))\n"
    )
    assert TaskArguments(task=f"{file}:from_a_file").find(has_data=False).dataset == "data.csv"
    with pytest.raises(ConfigError, match="does not exist"):
        TaskArguments(task="missing.py:name").find(has_data=False)


def test_changed_rows_are_learnt_and_predicted_alike(make):
    seen = []

    class FirstWord(ClassificationRecipe):
        def map_rows(self, rows):
            seen.append(len(rows))
            return rows.map(lambda row: {self.task.text: row[self.task.text].split()[0]})

    recipe = make(max_steps=1)
    recipe.__class__ = FirstWord
    assert recipe.prepared().train.texts.lengths.max() <= 6
    recipe.train()
    recipe.predict(["the bread was fresh"] * 3)
    assert seen == [96, 40, 3]
