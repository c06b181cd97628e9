"""The commands that train: data in the first place, the flags of the examples, a help that can be read."""

import pytest
from datasets import Dataset

from bert_finetune_kit import ClassificationRecipe, ConfigError, RunReport
from bert_finetune_kit.commands import pipeline as pipeline_module
from bert_finetune_kit.commands.pipeline import pipeline
from bert_finetune_kit.commands.train import answer, classify, name_data, pretrain
from bert_finetune_kit.recipes.recipe import Recipe
from bert_finetune_kit.training.arguments import RecipeArguments


@pytest.fixture
def trained(monkeypatch):
    """Return the recipes that would have been trained."""
    recipes = []
    monkeypatch.setattr(Recipe, "train", lambda recipe, resume, force: recipes.append(recipe))
    return recipes


def test_the_first_words_are_the_data(trained):
    classify(["reviews.csv", "--text", "review", "--label", "stars", "--model", "tiny"])
    pretrain(["a.txt", "b.txt", "--max_length", "32"])
    answer(["squad_v2", "--model", "tiny"])
    classifier, pretraining, answering = trained
    assert (classifier.source.train, classifier.task.text, classifier.task.label) == ("reviews.csv", "review", "stars")
    assert (pretraining.source.train, pretraining.config.max_length) == (["a.txt", "b.txt"], 32)
    assert answering.source.train == "squad_v2"


def test_without_data_it_is_the_sample(trained):
    for command in (pretrain, classify, answer):
        command([])
    assert [recipe.source.is_sample or recipe.is_sample for recipe in trained] == [True] * 3


@pytest.mark.parametrize("flags", [["--train", "b.csv"], ["--train=b.csv"]])
def test_data_in_two_places(flags):
    with pytest.raises(ConfigError, match=r"Command line: a.csv and --train are both data to train on: give one"):
        name_data(["a.csv", *flags])


def test_the_short_help_has_the_settings_of_the_kit_and_few_of_the_trainer(capsys):
    shown = {}
    for flag in ("--help", "--help-all"):
        with pytest.raises(SystemExit):
            classify([flag])
        shown[flag] = capsys.readouterr().out
    for heading in ("Model and run:", "Task:", "Adapters:", "Data:", "Fine-tuning:", "Trainer:"):
        assert f"\n{heading}\n" in shown["--help"]
    for name in ("text", "label", "train", "model", "max_length", "threshold", "lora", *RecipeArguments.essential):
        assert f"  --{name}" in shown["--help"], name
    for name in ("adam_beta1", "dataloader_prefetch_factor"):
        assert f"  --{name}" not in shown["--help"]
        assert f"  --{name}" in shown["--help-all"]


def test_what_the_short_help_shows_of_the_trainer_exists():
    assert {*RecipeArguments.essential} <= RecipeArguments.__dataclass_fields__.keys()


def test_a_table_becomes_a_classifier(tmp_path, capsys, monkeypatch):
    """From the file to a report, as a user would."""
    words = {"1": ("cold", "late", "rude"), "5": ("warm", "kind", "fresh")}
    rows = [
        {"review": f"the soup was {word} {n}", "stars": stars}
        for n in range(8)
        for stars, w in words.items()
        for word in w
    ]
    Dataset.from_list(rows).to_csv(tmp_path / "reviews.csv")
    monkeypatch.chdir(tmp_path)
    classify(
        ["reviews.csv", "--text", "review", "--label", "stars", "--model", "tiny", "--output_dir", "run",
         "--max_length", "16", "--max_steps", "4", "--use_cpu", "--disable_tqdm", "true"]
    )  # fmt: skip
    report = RunReport.load("run")
    assert report.settings["task"]["labels"] == ["1", "5"]
    assert report.data["train"]["examples"] + report.data["validation"]["examples"] == len(rows)
    assert "report.json" in capsys.readouterr().out
    assert ClassificationRecipe.from_pretrained("run").predict("the soup was cold").pop().label in ("1", "5")


@pytest.fixture
def started(monkeypatch):
    """Return what the pipeline would have run: (names of stages, folder, settings)."""
    calls = []

    def run(stages, folder, settings):
        calls.append(([stage.name for stage in stages], folder, settings))

    monkeypatch.setattr("bert_finetune_kit.recipes.pipeline.run_pipeline", run)
    return calls


def test_a_pipeline_takes_settings_of_its_stages(started):
    pipeline(["--output_dir", "runs/x", "--pretraining.train", "a.txt", "--classification.bf16", "--resume"])
    stages = ["pretraining", "classification", "question_answering"]
    assert started == [(stages, "runs/x", {"pretraining.train": ["a.txt"], "classification.bf16": []})]


def test_a_preset_gives_way_to_flags(started):
    pipeline(["--preset", "assignment", "--pretraining.train", "a.txt", "--classification.task", "mrpc"])
    _, folder, settings = started[0]
    assert folder == "runs/pipeline"
    assert settings["pretraining.model"] == "google-bert/bert-base-uncased"
    assert (settings["pretraining.train"], settings["classification.task"]) == (["a.txt"], ["mrpc"])
    assert "pretraining.validation_split" not in settings  # which is one of the preset's data
    assert "pretraining.validation_split" in pipeline_module.PRESETS["assignment"]


def test_a_word_that_is_no_setting_of_a_pipeline():
    with pytest.raises(ConfigError, match=r"'reviews.csv' is not a setting: expected --STAGE.SETTING VALUE"):
        pipeline(["reviews.csv"])
