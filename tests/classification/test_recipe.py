"""The only tests of this slice that train: a few steps each."""

import copy
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from safetensors.torch import load_file
from small_recipes import assert_same_weights
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForPreTraining,
    BertForSequenceClassification,
    TrainerCallback,
)

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ClassificationTask,
    ConfigError,
    DataError,
    LabelledSource,
    ModelError,
    OutputError,
    RunReport,
)
from bert_finetune_kit.data.sample import sample_reviews

SMALL = LabelledSource(max_train_examples=96, max_validation_examples=40)


@pytest.fixture
def make(tmp_path, tokenizer, config):
    """Build a recipe on the bundled sample; keywords beside those of the recipe go to the Trainer."""
    bert_config = config

    def make(
        task=None, source=SMALL, model=bert_config, config=None, lora=None, output_dir=tmp_path / "run", **settings
    ):
        settings = {"num_train_epochs": 2, "learning_rate": 2e-3, "per_device_train_batch_size": 16} | settings
        args = ClassificationRecipe.default_args(str(output_dir), **settings)
        return ClassificationRecipe(task, source, model=model, tokenizer=tokenizer, config=config, args=args, lora=lora)

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
    details = report.details["validation"]
    assert details["examples"] == 40
    assert sum(map(sum, details["confusion"])) == 40
    assert details["scores"]["accuracy"] == pytest.approx(report.result["accuracy"])
    assert details["intervals"]["f1"][0] <= details["scores"]["f1"] <= details["intervals"]["f1"][1]
    assert details["baseline"]["accuracy"] == pytest.approx(0.5, abs=0.1)
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


def test_predictions_equal_the_stock_model(make):
    recipe = make(max_steps=3)
    with pytest.raises(ConfigError, match="Nothing has been trained"):
        recipe.predict("a")
    recipe.train()
    texts = [row["text"] for row in sample_reviews("validation", count=7)]
    loaded = ClassificationRecipe.from_pretrained(recipe.output_dir)
    predictions = loaded.predict(texts)
    for prediction, trained in zip(predictions, recipe.predict(texts), strict=True):
        assert prediction.scores == pytest.approx(trained.scores, abs=1e-6)
    stock = AutoModelForSequenceClassification.from_pretrained(recipe.output_dir)
    tokenizer = AutoTokenizer.from_pretrained(recipe.output_dir)
    for text, prediction in zip(texts, predictions, strict=True):
        probabilities = stock(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert list(prediction.scores.values()) == pytest.approx(probabilities, abs=1e-5)
        assert prediction.label == ("negative", "positive")[int(np.argmax(probabilities))]
        assert prediction.score == max(prediction.scores.values())
    assert loaded.predict(Dataset.from_dict({"text": texts})) == predictions
    assert [prediction.label for prediction in loaded.predict(texts[0])] == [predictions[0].label]
    for invalid in (3, [3], [("a", "b")], {"text": "a"}):
        with pytest.raises(DataError):
            loaded.predict(invalid)


@pytest.mark.parametrize(
    ("task", "data", "scores"),
    [
        (ClassificationTask("stars"), toy(), {"f1_macro", "accuracy"}),
        (
            ClassificationTask("pairs", text_pair="second", kind="regression"),
            toy(second=["a dog"] * 48, label=[n / 7 for n in range(48)]),
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
def test_kinds_of_task(make, task, data, scores):
    recipe = make(task, data, max_steps=4)
    report = recipe.train()
    assert scores <= set(report.result)
    assert any("held out" in note for note in report.notes)
    details = report.details["validation"]
    assert len(details.get("predicted_against_true", {}).get("points", ())) == details["examples"] * (
        task.kind == "regression"
    )
    loaded = ClassificationRecipe.from_pretrained(recipe.output_dir)
    inputs = [("a loud dog", "a cat")] if task.text_pair else ["a loud dog"]
    (prediction,), (trained,) = loaded.predict(inputs), recipe.predict(inputs)
    assert prediction.scores == pytest.approx(trained.scores, abs=1e-6)
    assert prediction.score == pytest.approx(trained.score, abs=1e-6)


@pytest.mark.page
def test_worst_errors_are_predictions_of_the_saved_model(make):
    """On a held-out split, whose rows are not those of the data."""
    recipe = make(ClassificationTask("toy"), toy(), num_train_epochs=1)
    report = recipe.train()
    errors = report.details["validation"]["worst_errors"]
    assert errors
    by_text = {row["text"]: str(row["label"]) for row in toy()}
    for error in errors:
        (text,) = error["texts"]
        assert by_text[text] == error["true"] != error["predicted"]
        (prediction,) = recipe.predict([text])
        assert prediction.label == error["predicted"]
        assert prediction.score == pytest.approx(error["probability"], abs=1e-5)
    assert report.tables[-1].title == "Worst errors, validation"
    assert report.intervals == report.details["validation"]["intervals"]
    assert report.baselines["majority"] == report.details["validation"]["baseline"]
    page = Path(recipe.output_dir, "report.html").read_text("utf-8")
    for title in (
        "Confusion, validation",
        "Reliability, validation",
        "Label frequencies",
        errors[0]["predicted"],
    ):
        assert title in page


@pytest.mark.slow
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


class OneLabel(TrainerCallback):
    """Predicts one label with certainty after the first evaluation, so that the first checkpoint is the best."""

    def on_epoch_begin(self, args, state, control, model=None, **_):
        if state.global_step:
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if "classifier" in name and name.endswith("bias") and parameter.requires_grad:
                        parameter.copy_(torch.tensor([9.0, -9.0]))


@pytest.mark.parametrize("lora", [None, pytest.param({"r": 2}, marks=pytest.mark.slow)])
def test_early_stopping_and_the_best_checkpoint(make, lora):
    recipe = make(num_train_epochs=6, config=ClassificationConfig(early_stopping_patience=2), lora=lora)
    recipe.callbacks.append(OneLabel())
    report = recipe.train()
    assert len(report.scores) == 3
    assert report.result == report.scores[0]
    assert report.details["validation"]["scores"]["accuracy"] == pytest.approx(report.result["accuracy"])
    assert report.details["validation"]["scores"]["calibration_error"] == pytest.approx(
        report.result["calibration_error"], abs=1e-6
    )
    assert AutoModelForSequenceClassification.from_pretrained(recipe.output_dir).classifier.bias.abs().max() < 1


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft's own loading
def test_lora_trains_adapters_and_head_and_reloads_with_equal_logits(make, config, tmp_path):
    from peft import LoraConfig, PeftModel

    BertForPreTraining(config).save_pretrained(tmp_path / "pretrained")
    lora = LoraConfig(r=2, target_modules=["query", "value"])
    recipe = make(model=str(tmp_path / "pretrained"), lora=lora, max_steps=4)
    model = recipe.prepare().model
    before = {name: value.clone() for name, value in model.named_parameters()}
    report = recipe.train()
    assert report.parameters["trainable"] < report.parameters["total"] / 5
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert all("lora_" in name or "classifier.modules_to_save" in name for name in changed)
    assert any("lora_" in name for name in changed)
    assert any("classifier.modules_to_save" in name for name in changed)

    texts = [row["text"] for row in sample_reviews("validation", count=5)]
    inputs = AutoTokenizer.from_pretrained(recipe.output_dir)(texts, return_tensors="pt", padding=True)
    trained = model.eval()(**inputs).logits
    merged = AutoModelForSequenceClassification.from_pretrained(recipe.output_dir)
    torch.testing.assert_close(merged(**inputs).logits, trained, atol=1e-5, rtol=1e-5)
    base = AutoModelForSequenceClassification.from_pretrained(tmp_path / "pretrained")
    adapted = PeftModel.from_pretrained(base, str(Path(recipe.output_dir, "adapter"))).eval()
    torch.testing.assert_close(adapted(**inputs).logits, trained)
    loaded = ClassificationRecipe.from_pretrained(recipe.output_dir)
    labels = [prediction.label for prediction in recipe.predict(texts)]
    assert [prediction.label for prediction in loaded.predict(texts)] == labels


def test_frozen_layers_and_layer_decay(make):
    recipe = make(config=ClassificationConfig(freeze_layers=1, layer_decay=0.5), max_steps=2)
    model = recipe.prepare().model
    before = {name: value.clone() for name, value in model.named_parameters()}
    recipe.train()
    after = dict(model.named_parameters())
    for name, value in before.items():
        frozen = "embeddings" in name or "layer.0." in name
        assert torch.equal(value, after[name]) is frozen, name
    names = {id(value): name for name, value in after.items()}
    rates = {}
    for group in recipe.trainer.optimizer.param_groups:
        for value in group["params"]:
            rates[names[id(value)]] = group["initial_lr"]
    assert rates["classifier.weight"] == recipe.args.learning_rate
    assert rates["bert.encoder.layer.1.output.dense.weight"] == recipe.args.learning_rate / 2
    assert recipe.trainer.optimizer.param_groups[0]["initial_lr"] == recipe.args.learning_rate


def test_gradient_of_accumulated_batches_with_class_weights_and_windows(make, tmp_path):
    """Against the closed form: the weighted mean over all examples of the effective batch."""
    gradients = {}

    class KeepGradients(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **_):
            gradients[args.output_dir] = {name: value.grad.clone() for name, value in model.named_parameters()}

    config = ClassificationConfig(max_length=20, stride=4, class_weights=[0.3, 3.0])
    single_step = {"max_steps": 1, "max_grad_norm": 0.0, "eval_strategy": "no", "save_strategy": "no"}
    runs = {"whole": (16, 1), "accumulated": (4, 4)}
    for name, (batch, accumulation) in runs.items():
        recipe = make(
            config=config, output_dir=tmp_path / name, per_device_train_batch_size=batch,
            gradient_accumulation_steps=accumulation, load_best_model_at_end=False, **single_step,
        )  # fmt: skip
        recipe.callbacks.append(KeepGradients())
        recipe.fit(recipe.prepare())
    whole, accumulated = (gradients[str(tmp_path / name)] for name in runs)
    norm = torch.stack([value.norm() for value in whole.values()]).norm()
    assert torch.stack([(accumulated[name] - value).norm() for name, value in whole.items()]).norm() / norm < 1e-5

    recipe = make(config=config, output_dir=tmp_path / "plain")
    prepared = recipe.prepare()
    keys = list(recipe.build_trainer(prepared).train_sampler())[:16]
    batch = prepared.data.collator([prepared.data.train[key] for key in keys])
    assert len(batch["input_ids"]) > 16
    labels, owner = batch.pop("labels"), batch.pop("window_example")
    batch.pop("weights")
    logits = prepared.model.train()(**batch).logits
    pooled = torch.stack([logits[owner == example].mean(0) for example in range(16)])
    torch.nn.CrossEntropyLoss(weight=torch.tensor([0.3, 3.0]))(pooled, labels).backward()
    expected = {name: value.grad for name, value in prepared.model.named_parameters()}
    assert torch.stack([(whole[name] - value).norm() for name, value in expected.items()]).norm() / norm < 1e-5


def test_balanced_weights(make):
    recipe = make(
        ClassificationTask("toy"), toy(label=[0] * 36 + [1] * 12), config=ClassificationConfig(class_weights="balanced")
    )
    data = recipe.prepare().data
    counts = np.bincount(data.train.labels)
    assert counts[0] > counts[1]
    weights = (counts.sum() / 2 / counts).tolist()
    batch = data.collator([data.train[number] for number in range(len(data.train))])
    assert batch["weights"].tolist() == pytest.approx([weights[label] for label in batch["labels"].tolist()])


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_label_smoothing_changes_the_loss(make, smoothing):
    recipe = make(label_smoothing_factor=smoothing)
    prepared = recipe.prepare()
    batch = prepared.data.collator([prepared.data.train[number] for number in range(8)])
    loss, output = recipe.build_trainer(prepared).compute_loss(prepared.model, batch, return_outputs=True)
    expected = torch.nn.functional.cross_entropy(output.logits, batch["labels"], label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected)


@pytest.mark.slow
def test_several_seeds(make, capsys):
    recipe = make(max_steps=2)
    report = recipe.train_seeds([3, 4])
    folder = Path(recipe.output_dir)
    values = [RunReport.load(folder / f"seed-{seed}").result["loss"] for seed in (3, 4)]
    assert values[0] != values[1]
    assert report.mean["loss"] == pytest.approx(np.mean(values))
    assert report.std["loss"] == pytest.approx(np.std(values, ddof=1))
    assert json.loads((folder / "seeds.json").read_text())["seeds"] == [3, 4]
    page = (folder / "seeds.html").read_text("utf-8")
    assert "2 seeds</h1>" in page
    assert 'href="seed-3/report.html"' in page
    assert page.count("<figure") == len(report.mean)
    assert "mean ± std" in capsys.readouterr().out
    logs = list(folder.rglob("checkpoint-*/trainer_state.json"))
    written = {log: log.stat().st_mtime_ns for log in logs}
    assert make(max_steps=2).train_seeds([3, 4]) == report  # both have finished, so that training is skipped
    assert len(written) == 2
    assert {log: log.stat().st_mtime_ns for log in logs} == written
    with pytest.raises(OutputError, match=r"learning_rate was 0\.002 and is now 0\.5"):
        make(max_steps=2, learning_rate=0.5).train_seeds([3, 4])
    with pytest.raises(OutputError, match="max_length was 128 and is now 64"):
        make(max_steps=2, config=ClassificationConfig(max_length=64)).train_seeds([3, 4])
    with pytest.raises(ConfigError, match="two or more"):
        recipe.train_seeds([1, 1])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"config": ClassificationConfig(max_length=500)}, ConfigError, "has 128 positions"),
        ({"config": ClassificationConfig(freeze_layers=9)}, ConfigError, "has 2 layers"),
        ({"config": ClassificationConfig(class_weights=[1.0, 2.0, 3.0])}, ConfigError, "there are 2 labels"),
        (
            {"config": ClassificationConfig(early_stopping_patience=1), "load_best_model_at_end": False},
            ConfigError, "load_best_model_at_end=True",
        ),
        ({"model": "no/such-folder/here"}, ModelError, "There is no folder"),
        ({"task": "sst-2"}, ConfigError, "Did you mean"),
        ({"task": ClassificationTask("t", text="texts"), "source": toy()}, DataError, "did you mean 'text'"),
        ({"task": ClassificationTask("t"), "source": toy(label=[1] * 48)}, DataError, "All 48|All 43"),
        ({"task": ClassificationTask("t"), "source": toy(label=[0, None] * 24)}, DataError, "row 1 .*missing"),
        ({"task": ClassificationTask("t", metrics=("f1",)), "source": toy()}, ConfigError, "3 labels"),
        ({"task": ClassificationTask("t", kind="regression"), "label_smoothing_factor": 0.1}, ConfigError, "single"),
        ({"lora": {"rank": 3}}, ConfigError, "not a valid LoraConfig"),
        ({"lora": {"target_modules": ["nothing"]}}, ModelError, "LoRA cannot be added"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_training(make, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        make(**settings).train()
    assert not list(tmp_path.rglob("checkpoint-*"))


STARS = ("bad", "fair", "good")


@pytest.fixture
def by_order(tmp_path, config, tokenizer):
    """Return a classifier whose head has these names in this order, and rows that it classifies without an error."""

    def build(names):
        torch.manual_seed(0)
        config.id2label = dict(enumerate(names))
        model, folder = BertForSequenceClassification(config).eval(), tmp_path / "classifier"
        texts = [row["text"] for row in sample_reviews("train", count=60)]
        inputs = copy.deepcopy(tokenizer)(texts, return_tensors="pt", padding=True)  # which it keeps for later calls
        model.classifier.bias.data -= model(**inputs).logits.mean(0)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        outputs = model(**inputs).logits.argmax(-1)
        assert set(outputs.tolist()) == {0, 1, 2}
        return str(folder), texts, outputs.tolist()

    return build


def splits(texts, labels):
    rows = Dataset.from_dict({"text": texts, "label": labels})
    return DatasetDict(train=rows, validation=rows)


def test_a_head_without_names_is_reused_in_a_declared_order_alone(make, by_order):
    folder, texts, outputs = by_order(["LABEL_0", "LABEL_1", "LABEL_2"])
    order = ("good", "bad", "fair")
    data = splits(texts, [order[output] for output in outputs])
    with pytest.raises(ModelError, match="does not name its labels"):
        make(ClassificationTask("stars"), data, model=folder).prepare()
    declared = make(ClassificationTask("stars", labels=order), data, model=folder)
    assert declared.evaluate()["accuracy"] == 1
    assert any("LABEL_0 is good" in note for note in declared.prepare().notes)
    config = ClassificationConfig(new_head=True)
    renewed = make(ClassificationTask("stars"), data, model=folder, config=config).prepare()
    assert renewed.built.new_parts == ("classifier",)
    assert renewed.model.config.id2label == dict(enumerate(STARS))


@pytest.mark.parametrize("names", [STARS, ("GOOD", "BAD", "FAIR"), ("LABEL_0", "LABEL_1", "LABEL_2")])
@pytest.mark.parametrize("as_ids", [False, True])
def test_a_loaded_classifier_is_evaluated_in_the_order_of_the_task(by_order, names, as_ids):
    """Ids of the data are numbered as the task declares its labels, whatever the order of the head."""
    folder, texts, outputs = by_order(names)
    order = STARS if names[0].startswith("LABEL") else [name.lower() for name in names]
    declared = ("bad", "fair", "good")
    labels = [order[output] for output in outputs]
    data = splits(texts, [declared.index(label) for label in labels] if as_ids else labels)
    recipe = ClassificationRecipe.from_pretrained(folder, task=ClassificationTask("stars", data, labels=declared))
    assert recipe.evaluate()["accuracy"] == 1
    assert [prediction.label for prediction in recipe.predict(texts)] == labels


def test_a_tokenizer_with_ids_beyond_the_embeddings_is_refused(by_order, tokenizer):
    folder, *_ = by_order(STARS)
    added = copy.deepcopy(tokenizer)
    added.add_tokens(["[URL]"])
    added.save_pretrained(folder)
    with pytest.raises(ModelError, match=r"Without a row: '\[URL\]' \(800\)"):
        ClassificationRecipe.from_pretrained(folder)


def test_a_checkpoint_without_a_head_is_refused(config, tmp_path):
    BertForPreTraining(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="is not a trained classifier"):
        ClassificationRecipe.from_pretrained(tmp_path)


def test_a_model_is_required():
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
    for words, weights in ((["balanced"], "balanced"), (["1", "2.5"], [1.0, 2.5])):
        recipe, _ = ClassificationRecipe.from_command_line(["--class_weights", *words])
        assert recipe.config.class_weights == weights
    with pytest.raises(ConfigError, match="a number above 0"):
        ClassificationRecipe.from_command_line(["--class_weights", "1", "two"])
    recipe, _ = ClassificationRecipe.from_command_line([])
    assert recipe.is_sample
    assert recipe.args.load_best_model_at_end


@pytest.mark.parametrize(
    ("task", "settings", "key", "greater"),
    [
        (ClassificationTask("t", kind="regression", best_metric="mse"), {}, "mse", False),
        (ClassificationTask("t", kind="regression"), {"metric_for_best_model": "mae"}, "mae", False),
        (ClassificationTask("t", kind="regression"), {"metric_for_best_model": "eval_loss"}, "loss", False),
        (ClassificationTask("t", kind="regression"), {}, "pearson", True),
    ],
)
def test_the_metric_for_the_best_model_and_its_direction(make, task, settings, key, greater):
    args = make(task, toy(), **settings).prepare().args
    assert (args.metric_for_best_model, args.greater_is_better) == (key, greater)


def test_an_unknown_metric_for_the_best_model_is_refused_before_training(make, tmp_path):
    for task, settings in (
        (ClassificationTask("t", best_metric="acuracy"), {}),
        (ClassificationTask("t"), {"metric_for_best_model": "f1_mcro"}),
    ):
        with pytest.raises(ConfigError, match="Unknown metric_for_best_model"):
            make(task, toy(), **settings).train()
    assert not list(tmp_path.rglob("checkpoint-*"))


def test_mapped_rows_are_trained_on_evaluated_and_predicted(make):
    counts = []

    class FirstWord(ClassificationRecipe):
        def map_rows(self, rows):
            counts.append(len(rows))
            return rows.map(lambda row: {self.task.text: row[self.task.text].split()[0]})

    recipe = make(max_steps=1, warmup_steps=0)
    recipe.__class__ = FirstWord
    assert recipe.prepare().data.train.texts.lengths.max() <= 6
    recipe.train()
    recipe.predict(["the bread was fresh"] * 3)
    assert counts == [96, 40, 3]


def test_validation_targets_that_are_all_equal_leave_correlations_undefined(make):
    """They cannot choose; where another score does, they are a dash in the tables and not in the card."""
    task = ClassificationTask("t", kind="regression")
    train = toy(label=[float(number % 5) for number in range(48)])
    source = LabelledSource(train, validation=toy(12, label=[2.5] * 12))
    with pytest.raises(ConfigError, match=r"'pearson' cannot choose .*: all targets of the validation split are equal"):
        make(task, source).train()
    recipe = make(task, source, max_steps=2, metric_for_best_model="mse")
    report = recipe.train()
    assert np.isnan(report.result["pearson"])
    assert report.result["mse"] > 0
    assert "LOSS_NOT_FINITE" not in {finding.code for finding in report.findings}
    assert "Pearson is undefined on 12 examples of validation." in report.summary
    text = Path(recipe.output_dir, "report.md").read_text("utf-8")
    assert re.search(r"\| Pearson \| – \|", text)
    assert "pearson" not in str(recipe.model_card(report).data)


def ratings(count=64):
    """Texts with ratings far from 0."""
    return toy(count).map(lambda row, number: {"label": 300.0 + 100 * (number % 3)}, with_indices=True)


@pytest.mark.parametrize("lora", [None, {"r": 2}])
def test_a_regression_starts_at_the_mean_and_saves_a_stock_model(make, lora):
    task = ClassificationTask("ratings", kind="regression", metrics=("mse",))
    recipe = make(
        task, ratings(), lora=lora, max_steps=2, learning_rate=1e-4, config=ClassificationConfig(max_length=64)
    )
    report = recipe.train()
    targets = np.array(ratings()["label"])
    assert report.scores[0]["mse"] < 1.5 * targets.var()  # a head at 0 has 400 ** 2
    texts = ratings()["text"][:5]
    expected = [prediction.label for prediction in recipe.predict(texts)]
    again = ClassificationRecipe.from_pretrained(recipe.output_dir)
    assert [prediction.label for prediction in again.predict(texts)] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_a_regression_resumes_bit_by_bit(make, tmp_path):
    task = ClassificationTask("ratings", kind="regression", metrics=("mse",))
    settings = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "load_best_model_at_end": False}
    whole = make(task, ratings(), output_dir=tmp_path / "whole", **settings)
    whole.train()

    class Interrupt(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 3:
                raise KeyboardInterrupt

    parts = make(task, ratings(), output_dir=tmp_path / "parts", **settings)
    parts.callbacks = [Interrupt()]
    with pytest.raises(KeyboardInterrupt):
        parts.train()
    make(task, ratings(), output_dir=tmp_path / "parts", **settings).train(resume=True)
    assert_same_weights(*(load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts")))
