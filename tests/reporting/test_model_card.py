"""Cards of reports that are written by hand; those of real runs are in training/test_model_card.py."""

import math
import re

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bert_finetune_kit import Finding, RunReport
from bert_finetune_kit.classification.card import card_context
from bert_finetune_kit.reporting.card_check import metadata_faults
from bert_finetune_kit.reporting.model_card import model_card, name_in_card, write_card

TEXT = st.text(min_size=1).filter(str.strip)
TOKEN = "hf_planted_0123456789"
BASE = "google-bert/bert-base-uncased"


def make_report(labels=("a", "b"), data="reviews.csv", splits=("validation",), source=(), model=(), **more):
    """A classification's report; `source` and `model` change these settings."""
    details = {
        split: {
            "examples": 40,
            "scores": {"accuracy": 0.75, "matthews": 0.5, "mine": math.nan, "other": "nan"},
            "intervals": {"accuracy": [0.6, 0.9]},
            "baseline": {"accuracy": 0.5},
        }
        for split in splits
    }
    given = {
        "recipe": "classification", "summary": [f"A BERT was fine-tuned on {data}."], "scores": [], "result": {},
        "baselines": {}, "glossary": [], "history": [], "timings": {"training": 300.0}, "details": details,
        "data": {"train": {"examples": 96, "label_shares": dict.fromkeys(labels, 0.5)}},
        "parameters": {"name": "Bert", "total": 1234, "trainable": 1234, "tied": 0, "children": []},
        "settings": {
            "source": {"train": data, "name": data, "hub_id": None, "own_splits": []} | dict(source),
            "task": {"labels": list(labels), "text_pair": None, "kind": "single_label"},
            "recipe": {"max_length": 128, "stride": None, "threshold": 0.5},
            "model": {"model_name_or_path": "tiny", "model_type": "bert", "from_scratch": True} | dict(model),
            "training": {"learning_rate": 1e-4, "num_train_epochs": 3.0, "max_steps": -1, "output_dir": "runs/x"},
        },
    }  # fmt: skip
    return RunReport(**(given | more))


def card_of(report, name="mine", **metadata):
    return model_card(report, card_context(report), name, **metadata)


def test_what_the_hub_knows_is_named_as_the_hub_does():
    report = make_report(
        splits=("validation_matched", "validation_mismatched"),
        source={
            "name": "nyu-mll/glue (mnli)", "hub_id": "nyu-mll/glue", "hub_config": "mnli",
            "own_splits": ["validation_matched", "validation_mismatched"],
        },
        model={"model_name_or_path": BASE, "hub_id": BASE, "from_scratch": False},
    )  # fmt: skip
    card = ModelCard(str(card_of(report)))
    assert card.data.base_model == BASE
    assert card.data.base_model_relation == "finetune"
    assert (card.data.datasets, card.data.language) == (["nyu-mll/glue"], "en")
    results = [
        (result.dataset_type, result.dataset_config, result.dataset_split, result.metric_type, result.metric_value)
        for result in card.data.eval_results
    ]
    assert results == [
        ("nyu-mll/glue", "mnli", split, metric, value)
        for split in ("validation_matched", "validation_mismatched")
        for metric, value in (("accuracy", 0.75), ("matthews_correlation", 0.5))
    ]
    assert "[google-bert/bert-base-uncased](https://huggingface.co/google-bert/bert-base-uncased)" in card.text
    assert "| validation_mismatched | accuracy | 75.0% | 60.0% to 90.0% | 50.0% |" in card.text
    assert "[nyu-mll/glue (mnli)](https://huggingface.co/datasets/nyu-mll/glue)" in card.text


def test_two_splits_of_local_data_stay_apart():
    names = [result.metric_name for result in card_of(make_report(splits=("easy", "hard"))).data.eval_results]
    assert len(set(names)) == len(names) == 4


def test_what_is_no_number_is_no_score():
    card = card_of(make_report())
    assert [result.metric_type for result in card.data.eval_results] == ["accuracy", "matthews_correlation"]
    assert "nan" not in str(card)
    nothing = card_of(make_report(splits=()))
    assert "model-index" not in nothing.data.to_dict()
    assert "None: the model was not evaluated" in nothing.text


def test_findings_that_users_must_know_come_first():
    findings = [
        Finding("ONE_CLASS_PREDICTED", "error", "All 40 predictions are 'a'."),
        Finding("NOT_CALIBRATED", "warning", "Confidence is 20 points too high."),
        Finding("STILL_IMPROVING", "note", "The loss still falls."),
    ]
    text = card_of(make_report(findings=findings)).text
    assert "## Known issues\n\n- **ONE_CLASS_PREDICTED**: All 40 predictions are 'a'.\n- **NOT_CALIB" in text
    assert text.index("## Known issues") < text.index("## How to use it")
    assert "STILL_IMPROVING" not in text
    assert "Known issues" not in card_of(make_report()).text


def test_no_path_and_no_token_of_this_machine():
    report = make_report(
        data="/home/zelda/data/reviews.csv",
        model={
            "model_name_or_path": "/home/zelda/models/base",
            "from_scratch": False,
            "tokenizer": "../zelda/vocab.txt",
        },
        notes=["/home/zelda/runs/x/checkpoint-8 is torn", "with ../zelda/vocab.txt"],
    )
    report.settings["training"] |= {"hub_token": TOKEN, "output_dir": "/home/zelda/runs/x", "push_to_hub_token": TOKEN}
    card = str(card_of(report, "x"))
    assert "zelda" not in card
    assert TOKEN not in card
    assert "base_model" not in card
    for part in ("reviews.csv", "a local model, base.", "checkpoint-8 is torn", "with vocab.txt"):
        assert part in card


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(TEXT, min_size=2, max_size=4, unique=True), data=TEXT, name=TEXT, note=TEXT, split=TEXT, metric=TEXT
)
def test_any_text_of_data_and_users(labels, data, name, note, split, metric):
    labels[0] += "<script>alert(1)</script>"
    report = make_report(labels, data, (split,), notes=[note], findings=[Finding(name, "error", f"{note} ---\n{data}")])
    report.details[split]["scores"][metric] = 0.25
    report.settings["source"]["hub_config"] = name
    card = card_of(report, name)
    again = ModelCard(str(card))
    assert again.data.to_dict() == card.data.to_dict() == yaml.safe_load(card.data.to_yaml())
    assert again.text == card.text
    assert metadata_faults(again.data.to_dict()) == []
    assert "<script" not in str(card)
    tokens = MarkdownIt("commonmark").enable("table").parse(card.text)
    kinds = [token.type for token in tokens] + [child.type for token in tokens for child in token.children or ()]
    assert not {"html_block", "html_inline", "image", "code_inline_block"} & set(kinds)
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1"] + ["h2"] * 9
    links = [child.attrs["href"] for token in tokens for child in token.children or () if child.type == "link_open"]
    assert links == ["https://arxiv.org/abs/1810.04805"]
    for code in re.findall(r"^```python\n(.*?)^```", card.text, re.MULTILINE | re.DOTALL):
        compile(code, "card", "exec")


def test_the_name_in_the_examples_follows_a_push_and_edits_stay(tmp_path):
    name_in_card(tmp_path, "me/toy")  # no card
    assert write_card(card_of(make_report()), tmp_path)
    path = tmp_path / "README.md"
    edited = path.read_text("utf-8").replace("## Limitations\n", '## Limitations\n\nMy own words, model_id = "x".\r\n')
    path.write_bytes(edited.encode())
    assert not write_card(card_of(make_report()), tmp_path)
    for name in ("me/toy", "me/other"):
        name_in_card(tmp_path, name)
        assert path.read_bytes().decode() == edited.replace('model_id = "mine"', f'model_id = "{name}"')


@pytest.mark.parametrize("citation", ["@misc{a}", "```\n<script>\n```"])
def test_a_citation_cannot_leave_its_block(citation):
    tokens = MarkdownIt("commonmark").parse(card_of(make_report(), citation=citation).text)
    assert [token.content for token in tokens if token.type == "fence"][-1] == citation + "\n"
