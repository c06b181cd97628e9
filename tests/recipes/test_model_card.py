"""Model cards of real, tiny trainings: their text and metadata, that their examples run, that they are kept."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from card_patterns import PATTERNS
from datasets import Dataset
from huggingface_hub import ModelCard
from small_recipes import KINDS, build, small_config

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
    recipes = {}
    for name in KINDS:
        lora = {"lora": {"r": 2}} if name == "classification" else {}
        recipes[name] = build(
            name, small_config(tokenizer), folder / name, tokenizer=tokenizer, max_steps=2, logging_steps=1, **lora
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bert_finetune_kit.runs.pages.write_html", lambda *_: None)
            recipes[name].train()
    return recipes


def read(recipe):
    return Path(recipe.output_dir, "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_the_card_of_each_recipe(runs, name):
    card = read(runs[name])
    assert re.fullmatch(PATTERNS[name], card, re.DOTALL), card
    assert str(runs[name].model_card()) == card


@pytest.mark.parametrize("name", KINDS)
def test_metadata_are_those_of_the_report(runs, name):
    card, report = ModelCard(read(runs[name])), RunReport.load(runs[name].output_dir)
    data = yaml.safe_load(card.data.to_yaml())
    assert metadata_faults(data) == []
    assert "license" not in data
    assert "language" not in data
    assert "datasets" not in data
    assert "base_model" not in data
    assert not {"split", "config"} & set(data["model-index"][0]["results"][0]["dataset"])
    scores = {(result.metric_type, result.metric_name): result.metric_value for result in card.data.eval_results}
    if name == "pretraining":
        assert scores["perplexity", "perplexity"] == report.result["perplexity"]
        assert scores["accuracy", "pair accuracy"] == report.result["pair_accuracy"]
    elif name == "classification":
        expected = report.details["validation"]["scores"]
        assert scores["matthews_correlation", "Matthews"] == expected["matthews"]
        assert scores["f1", "F1 macro"] == expected["f1_macro"]
        assert scores["accuracy", "accuracy"] == expected["accuracy"]
        assert len(scores) == len(expected)
    else:
        assert scores["exact_match", "exact match"] == report.details["scores"]["exact"]
        assert scores["f1", "F1, with answer"] == report.details["scores"]["HasAns_f1"]
        assert scores["rouge", "ROUGE-L, with answer"] == report.details["overlap"]["rougeL"]


def run_examples(recipe, monkeypatch):
    """Run the examples of a card as a reader would, beside the folder of the run; return the variables of each."""
    monkeypatch.chdir(Path(recipe.output_dir).parent)
    examples = []
    for code in CODE.findall(read(recipe)):
        variables = {}
        exec(code, variables)
        examples.append(variables)
    return examples


@pytest.mark.parametrize("name", KINDS)
def test_the_examples_run(runs, name, monkeypatch, capsys):
    stock, kit = run_examples(runs[name], monkeypatch)
    printed = capsys.readouterr().out
    if name == "pretraining":
        assert "'token_str'" in printed
        assert "out_features=2" in printed
    elif name == "classification":
        text = "The text to classify."
        (expected,), (predicted,) = stock["classify"](text), runs[name].predict([text])
        assert predicted.label == expected["label"]
        assert predicted.score == pytest.approx(expected["score"], abs=1e-5)
    else:
        stock, kit = kit, stock
        best, _ = kit["answer"].n_best[0]
        assert stock["context"][stock["first"].start : stock["last"].end] == best


PAIR = {"text": "The first text.", "text_pair": "The second text."}


@pytest.mark.parametrize("kind", ["single_label", "multi_label", "regression"])
def test_the_examples_of_other_tasks_run(kind, tmp_path, tokenizer, config, monkeypatch):
    labels = {
        "single_label": ["a|b", "<i>"] * 16,
        "multi_label": [["x"], ["x", "y"]] * 16,
        "regression": [0.5, 2.5] * 16,
    }
    rows = Dataset.from_dict({"text": ["one", "two"] * 16, "other": ["three", "four"] * 16, "label": labels[kind]})
    task = ClassificationTask("t", kind=kind, text_pair="other" if kind == "single_label" else None)
    source = LabelledSource(rows, validation=rows.take(3))  # both labels, and too few rows for intervals
    args = ClassificationRecipe.default_args(str(tmp_path / "run"), max_steps=1, warmup_steps=0, disable_tqdm=True)
    recipe = ClassificationRecipe(task, source, model=config, tokenizer=tokenizer, args=args)
    recipe.train()
    stock, _ = run_examples(recipe, monkeypatch)
    if kind == "single_label":
        expected, (predicted,) = stock["classify"](PAIR), recipe.predict([tuple(PAIR.values())])
        assert (predicted.label, predicted.score) == (expected["label"], pytest.approx(expected["score"], abs=1e-5))
    elif kind == "multi_label":
        (expected,), (predicted,) = stock["classify"](["one"]), recipe.predict(["one"])
        assert predicted.scores == pytest.approx({row["label"]: row["score"] for row in expected}, abs=1e-5)
    else:
        (expected,), (predicted,) = stock["classify"]("one"), recipe.predict(["one"])
        assert predicted.score == pytest.approx(expected["score"], abs=1e-5)


class Offline(ClassificationRecipe):
    """Reads the sample's reviews in place of a data set on the Hub."""

    held_out = False

    def load_examples(self):
        rows = {split: Dataset.from_list(sample_reviews(split)[:20]) for split in ("train", "validation")}
        return LabelledData("nyu-mll/glue (sst2)", rows.pop("train"), {} if self.held_out else rows)


@pytest.mark.parametrize("part", ["whole", "held out", "limited"])
def test_the_split_is_named_where_it_was_evaluated_as_a_whole(part, tmp_path, tokenizer, config):
    task = replace(get_task("sst2"), text="text")
    source = LabelledSource(max_validation_examples=10 if part == "limited" else None)
    args = Offline.default_args(str(tmp_path / "run"), max_steps=1, warmup_steps=0, disable_tqdm=True)
    recipe = Offline(task, source, model=config, tokenizer=tokenizer, args=args)
    recipe.held_out = part == "held out"
    recipe.train()
    card = ModelCard(read(recipe))
    result = card.data.eval_results[0]
    assert (result.dataset_type, result.dataset_config) == ("nyu-mll/glue", "sst2")
    assert result.dataset_split == ("validation" if part == "whole" else None)
    assert (card.data.datasets, card.data.language) == (["nyu-mll/glue"], "en")


def test_settings_of_the_owner_are_in_the_card(runs):
    settings = {"license": "cc-by-4.0", "language": ["en", "nl"], "tags": ["boats"], "citation": "@misc{me}"}
    card = runs["classification"].model_card(**settings)
    assert (card.data.license, card.data.language) == ("cc-by-4.0", ["en", "nl"])
    assert "boats" in card.data.tags
    assert "## License\n\ncc-by-4.0\n" in card.text
    assert "```bibtex\n@misc{me}\n```" in card.text
    with pytest.raises(ConfigError, match=r"license is 'Apache 2\.0'"):
        runs["classification"].model_card(license="Apache 2.0")


def test_a_card_of_the_user_is_kept(tmp_path, tokenizer, config, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "README.md").write_text("# Mine\n", "utf-8")
    args = ClassificationRecipe.default_args(str(folder), max_steps=1, warmup_steps=0, disable_tqdm=True)
    source = LabelledSource(max_train_examples=32, max_validation_examples=16)
    recipe = ClassificationRecipe(None, source, model=config, tokenizer=tokenizer, args=args)
    with pytest.raises(OutputError, match=r"(?i)no run has finished"):
        recipe.model_card()
    recipe.train()
    assert (folder / "README.md").read_text("utf-8") == "# Mine\n"
    assert re.search(r"README\.md.* kept", " ".join(capsys.readouterr().out.split()))
    assert "# run" in recipe.model_card().text


def test_the_trainer_leaves_the_card_alone(runs):
    before = read(runs["classification"])
    runs["classification"].trainer.create_model_card(license="mit", model_name="other")
    assert read(runs["classification"]) == before
