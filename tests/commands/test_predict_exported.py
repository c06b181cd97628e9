"""`predict` with an exported model: what it predicts for texts and files, and what it refuses."""

import csv
import dataclasses
import json

import pytest
from torch_session import exported_by_torch

from bert_finetune_kit import ConfigError, ModelError
from bert_finetune_kit.commands import predict as predict_module
from bert_finetune_kit.commands.predict import predict
from bert_finetune_kit.commands.run_folder import load_recipe, run_kind

TEXTS = ["the soup was cold", "what a kind welcome", ""]


@pytest.fixture(scope="module")
def exported(uninterrupted, tmp_path_factory):
    """Folders of exported models by recipe, and the models around torch in place of a runtime."""
    folders = {}
    for name in ("classification", "question_answering"):
        folder = tmp_path_factory.mktemp("exported") / name
        folders[name] = folder, exported_by_torch(load_recipe(uninterrupted(name), {"use_cpu": True}), folder)
    folder, model = folders["classification"]
    dataclasses.replace(model.settings, recipe="pretraining").save(folder.parent)
    return folders | {"pretraining": (folder.parent, None)}


@pytest.fixture
def loaded(exported, monkeypatch):
    models = {str(folder): model for folder, model in exported.values()}
    monkeypatch.setattr(predict_module, "load_exported", lambda folder: models[folder])
    monkeypatch.setattr(predict_module, "load_recipe", lambda *_: pytest.fail("loaded with torch"))
    return {name: str(folder) for name, (folder, _) in exported.items()}


def lines_of(capsys, *words):
    predict([str(word) for word in words])
    return capsys.readouterr().out.splitlines()


def test_texts_and_questions_are_predicted_as_by_the_run(uninterrupted, exported, loaded, monkeypatch, capsys):
    words = {
        "classification": ["--text", *TEXTS],
        "question_answering": ["--question", "Who?", "", "--context", "The mill opens."],
    }
    found = {name: lines_of(capsys, loaded[name], *given) for name, given in words.items()}
    monkeypatch.setattr(predict_module, "load_recipe", load_recipe)
    for name, given in words.items():
        assert found[name] == lines_of(capsys, uninterrupted(name), *given)
        assert len(found[name]) == len(given) - (1 if name == "classification" else 3)


def test_a_file_is_predicted(exported, loaded, tmp_path, capsys):
    with (tmp_path / "new.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in TEXTS[:2])])
    words = [loaded["classification"], tmp_path / "new.csv", "--output", tmp_path / "out.jsonl"]
    lines = lines_of(capsys, *words, "--per_device_eval_batch_size", "1")
    assert lines[-1] == f"The predictions are in {tmp_path / 'out.jsonl'}."
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row["text"] for row in written] == TEXTS[:2]
    expected = exported["classification"][1].predict(TEXTS[:2])
    assert [row["label"] for row in written] == [prediction.label for prediction in expected]


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        (
            "classification",
            ["--question", "a", "--context", "b"],
            "is an exported model of classification: give ",
        ),
        ("question_answering", ["--text", "a"], "is an exported model of question_answering: give --question and"),
        (
            "question_answering",
            ["--question", "a", "--context", "b", "--label_sets", "0.9"],
            "--label_sets is given, and .* is an exported model of question_answering: leave it out",
        ),
        (
            "classification",
            ["--text", "a", "--bf16_full_eval"],
            "--bf16_full_eval is given.* as it was exported",
        ),
        ("classification", ["--text", "a", "--per_device_eval_batch_size", "0"], "batch_size is 0: a whole number"),
        ("pretraining", ["--text", "a"], r"exported model of pretraining.*load_exported\(FOLDER\).predict\(TEXTS\)"),
    ],
)
def test_words_that_an_exported_model_does_not_take(loaded, name, words, message):
    with pytest.raises(ConfigError, match=message):
        predict([loaded[name], *words])


def test_an_exported_model_is_no_run(loaded):
    with pytest.raises(ModelError, match="is an exported model, which predict and serve take, and no run: give the fo"):
        run_kind(loaded["classification"])
