"""Model cards of real, tiny trainings: what they look like, that their examples run, that nobody overwrites them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from card_patterns import PATTERNS
from datasets import Dataset
from huggingface_hub import ModelCard
from interrupted import RECIPES, SETTINGS
from transformers import BertConfig

from bert_finetune_kit import (
    ClassificationRecipe,
    ClassificationTask,
    ConfigError,
    LabelledSource,
    OutputError,
    RunReport,
    get_task,
)
from bert_finetune_kit.data.labelled import LabelledData
from bert_finetune_kit.data.sample import sample_reviews
from bert_finetune_kit.reporting.card_check import metadata_faults

CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tokenizer):
    """A recipe of each kind, trained for two steps; the classifier with LoRA."""
    folder = tmp_path_factory.mktemp("cards")
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=128,
    )  # fmt: skip
    recipes = {}
    for name, (kind, given) in RECIPES.items():
        args = kind.default_args(str(folder / name), **(SETTINGS | {"max_steps": 2, "logging_steps": 1}))
        lora = {"lora": {"r": 2}} if name == "classification" else {}
        recipes[name] = kind(model=config, tokenizer=tokenizer, args=args, **given, **lora)
        recipes[name].train()
    return recipes


def read(recipe):
    return Path(recipe.output_dir, "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", RECIPES)
def test_the_card_of_each_recipe(runs, name):
    card = read(runs[name])
    assert re.fullmatch(PATTERNS[name], card, re.DOTALL), card
    assert str(runs[name].model_card()) == card


@pytest.mark.parametrize("name", RECIPES)
def test_metadata_are_those_of_the_report(runs, name):
    card, report = ModelCard(read(runs[name])), RunReport.load(runs[name].output_dir)
    data = yaml.safe_load(card.data.to_yaml())
    assert metadata_faults(data) == []
    assert "license" not in data
    assert "language" not in data
    assert "datasets" not in data
    assert "base_model" not in data
    assert not {"split", "config"} & set(data["model-index"][0]["results"][0]["dataset"])
    told = {(one.metric_type, one.metric_name): one.metric_value for one in card.data.eval_results}
    if name == "pretraining":
        assert told["perplexity", "perplexity"] == report.result["perplexity"]
        assert told["accuracy", "pair accuracy"] == report.result["pair_accuracy"]
    elif name == "classification":
        scores = report.details["validation"]["scores"]
        assert told["matthews_correlation", "Matthews"] == scores["matthews"]
        assert told["f1", "F1 macro"] == scores["f1_macro"]
        assert told["accuracy", "accuracy"] == scores["accuracy"]
        assert len(told) == len(scores)
    else:
        assert told["exact_match", "exact match"] == report.details["scores"]["exact"]
        assert told["f1", "F1, with answer"] == report.details["scores"]["HasAns_f1"]
        assert told["rouge", "ROUGE-L, with answer"] == report.details["overlap"]["rougeL"]


def run_examples(recipe, monkeypatch):
    """Run the examples of a card as a reader would, beside the folder of the run; return what each leaves."""
    monkeypatch.chdir(Path(recipe.output_dir).parent)
    left = []
    for code in CODE.findall(read(recipe)):
        names = {}
        exec(code, names)
        left.append(names)
    return left


@pytest.mark.parametrize("name", RECIPES)
def test_the_examples_run(runs, name, monkeypatch, capsys):
    stock, kit = run_examples(runs[name], monkeypatch)
    printed = capsys.readouterr().out
    if name == "pretraining":
        assert "'token_str'" in printed
        assert "out_features=2" in printed
    elif name == "classification":
        text = "The text to classify."
        (theirs,), (ours,) = stock["classify"](text), runs[name].predict([text])
        assert theirs["label"] == ours.label
        assert theirs["score"] == pytest.approx(ours.score, abs=1e-5)
    else:
        stock, kit = kit, stock
        best, _ = kit["answer"].n_best[0]
        assert stock["context"][stock["first"].start : stock["last"].end] == best


PAIR = {"text": "The first text.", "text_pair": "The second text."}


@pytest.mark.parametrize("kind", ["single_label", "multi_label", "regression"])
def test_the_examples_of_other_tasks_run(kind, tmp_path, tokenizer, config, monkeypatch):
    labels = {"single_label": ["a|b", "<i>"] * 8, "multi_label": [["x"], ["x", "y"]] * 8, "regression": [0.5, 2.5] * 8}
    rows = Dataset.from_dict({"text": ["one", "two"] * 8, "other": ["three", "four"] * 8, "label": labels[kind]})
    task = ClassificationTask("t", kind=kind, text_pair="other" if kind == "single_label" else None)
    args = ClassificationRecipe.default_args(str(tmp_path / "run"), max_steps=1, disable_tqdm=True)
    recipe = ClassificationRecipe(task, rows, model=config, tokenizer=tokenizer, args=args)
    recipe.train()
    stock, _ = run_examples(recipe, monkeypatch)
    if kind == "single_label":
        theirs, (ours,) = stock["classify"](PAIR), recipe.predict([tuple(PAIR.values())])
        assert (theirs["label"], theirs["score"]) == (ours.label, pytest.approx(ours.score, abs=1e-5))
    elif kind == "multi_label":
        (theirs,), (ours,) = stock["classify"](["one"]), recipe.predict(["one"])
        assert {one["label"]: one["score"] for one in theirs} == pytest.approx(ours.scores, abs=1e-5)
    else:
        (theirs,), (ours,) = stock["classify"]("one"), recipe.predict(["one"])
        assert theirs["score"] == pytest.approx(ours.score, abs=1e-5)


class Offline(ClassificationRecipe):
    """Reads the sample's reviews in place of a data set on the Hub."""

    held_out = False

    def load_examples(self):
        rows = {split: Dataset.from_list(sample_reviews(split)[:20]) for split in ("train", "validation")}
        return LabelledData("nyu-mll/glue (sst2)", rows.pop("train"), {} if self.held_out else rows)


@pytest.mark.parametrize("whole", ["whole", "held out", "limited"])
def test_the_split_is_named_where_the_score_is_of_all_of_it(whole, tmp_path, tokenizer, config):
    task = replace(get_task("sst2"), text="text")
    source = LabelledSource(max_validation_examples=10 if whole == "limited" else None)
    args = Offline.default_args(str(tmp_path / "run"), max_steps=1, disable_tqdm=True)
    recipe = Offline(task, source, model=config, tokenizer=tokenizer, args=args)
    recipe.held_out = whole == "held out"
    recipe.train()
    card = ModelCard(read(recipe))
    told = card.data.eval_results[0]
    assert (told.dataset_type, told.dataset_config) == ("nyu-mll/glue", "sst2")
    assert told.dataset_split == ("validation" if whole == "whole" else None)
    assert (card.data.datasets, card.data.language) == (["nyu-mll/glue"], "en")


def test_a_card_says_what_its_owner_says(runs):
    said = {"license": "cc-by-4.0", "language": ["en", "nl"], "tags": ["boats"], "citation": "@misc{me}"}
    card = runs["classification"].model_card(**said)
    assert (card.data.license, card.data.language) == ("cc-by-4.0", ["en", "nl"])
    assert "boats" in card.data.tags
    assert "## License\n\ncc-by-4.0\n" in card.text
    assert "```bibtex\n@misc{me}\n```" in card.text
    with pytest.raises(ConfigError, match=r"license is 'Apache 2\.0'"):
        runs["classification"].model_card(license="Apache 2.0")


def test_a_card_that_is_there_is_left_alone(tmp_path, tokenizer, config, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "README.md").write_text("# Mine\n", "utf-8")
    args = ClassificationRecipe.default_args(str(folder), max_steps=1, disable_tqdm=True)
    source = LabelledSource(max_train_examples=32, max_validation_examples=16)
    recipe = ClassificationRecipe(None, source, model=config, tokenizer=tokenizer, args=args)
    with pytest.raises(OutputError, match="no run has finished"):
        recipe.model_card()
    recipe.train()
    assert (folder / "README.md").read_text("utf-8") == "# Mine\n"
    assert "had a README.md" in capsys.readouterr().out
    assert "# run" in recipe.model_card().text


def test_the_trainer_leaves_the_card_alone(runs):
    before = read(runs["classification"])
    runs["classification"].trainer.create_model_card(license="mit", model_name="other")
    assert read(runs["classification"]) == before
