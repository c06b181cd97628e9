"""examples/new_recipe.py: a recipe written from the table of hooks alone."""

import json
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from new_recipe import EntityRecipe

FLAGS = ("--model", "tiny", "--max_steps", "60", "--learning_rate", "3e-3", "--logging_steps", "20")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("entities")
    return folder, EntityRecipe.main([*FLAGS, "--output_dir", str(folder)])


def test_it_learns_and_reports(report):
    folder, run = report
    assert run.result["f1"] > 0.9
    saved = json.loads((folder / "report.json").read_text())
    assert saved["result"]["f1"] == run.result["f1"]
    assert saved["summary"] == run.summary
    assert "token-classification" in (folder / "README.md").read_text()


def test_the_model_is_a_stock_checkpoint(report):
    folder, _ = report
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    encoded = tokenizer(["mei", "likes", "oslo"], is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        tags = model(**encoded).logits.argmax(-1)[0]
    words = encoded.word_ids(0)
    predicted = [model.config.id2label[int(tags[words.index(number)])] for number in range(3)]
    assert predicted == ["PERSON", "O", "PLACE"]


def test_a_finished_run_is_not_trained_again(report):
    folder, run = report
    again = EntityRecipe.main([*FLAGS, "--output_dir", str(folder), "--resume"])
    assert again.result == run.result
