"""Exports by the real exporters and runtimes; where they are not installed, what is said instead."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from small_recipes import build
from torch_session import exported_by_torch

from bert_finetune_kit import (
    ClassificationRecipe,
    ConfigError,
    DataError,
    ExportError,
    KitError,
    LabelledSource,
    OutputError,
    load_exported,
)
from bert_finetune_kit.commands.export import export
from bert_finetune_kit.commands.main import main
from bert_finetune_kit.commands.run_folder import load_recipe
from bert_finetune_kit.data.sample import sample_questions, sample_reviews
from bert_finetune_kit.export.calibration import OF_THE_KIT, OWN
from bert_finetune_kit.export.write import ExportSettings, export_model

ONNX = pytest.mark.skipif(find_spec("onnxscript") is None, reason="needs bert_finetune_kit[onnx]")
OPENVINO = pytest.mark.skipif(find_spec("nncf") is None, reason="needs bert_finetune_kit[openvino]")
TEXTS = [row["text"] for row in sample_reviews("validation", count=30)]
QUESTIONS = [(row["question"], row["context"]) for row in sample_questions("validation")[:10]]
FORMATS = [pytest.param("onnx", marks=ONNX), pytest.param("openvino", marks=OPENVINO)]


@pytest.fixture(scope="module")
def run(tmp_path_factory, dropout_model):
    """A classifier with enough validation examples that half a point is one of them."""
    folder = tmp_path_factory.mktemp("run") / "stars"
    source = LabelledSource(max_train_examples=600, max_validation_examples=200)
    settings = {"num_train_epochs": 6, "per_device_train_batch_size": 16, "learning_rate": 2e-3}
    steps = {"gradient_accumulation_steps": 1, "save_strategy": "epoch", "eval_strategy": "epoch"}
    build("classification", dropout_model, folder, source=source, **settings, **steps).train()
    return folder


def load(folder):
    return ClassificationRecipe.from_pretrained(folder, args={"use_cpu": True})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "tflite"}, "format is 'tflite': use onnx or openvino"),
        ({"quantize": "int4"}, "quantize is 'int4': use 'int8'"),
    ],
)
def test_settings_that_cannot_work(uninterrupted, tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        load(uninterrupted("classification")).export(tmp_path / "exported", **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_what_is_missing_is_said_before_anything_is_computed(uninterrupted, tmp_path, monkeypatch, format):
    monkeypatch.setattr(
        "bert_finetune_kit.export.exporter.find_spec", lambda name: None if name != "transformers.exporters" else 1
    )
    with pytest.raises(
        ConfigError, match=rf"Exporting to {format} needs .*: pip install 'bert_finetune_kit\[{format}\]'"
    ):
        load(uninterrupted("classification")).export(tmp_path / "exported", format)


def test_a_folder_with_something_else_is_left_alone(uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setattr("bert_finetune_kit.export.write.check_packages", lambda *_: None)
    recipe = load(uninterrupted("classification"))
    with pytest.raises(OutputError, match="exists already and is no exported model"):
        recipe.export(recipe.model_folder)
    assert Path(recipe.model_folder, "model.safetensors").exists()


def test_layers_to_keep_are_checked_before_anything_is_computed(uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setattr("bert_finetune_kit.export.write.check_packages", lambda *_: None)
    for name in ("validation_data", "score", "export_program"):
        monkeypatch.setattr(f"bert_finetune_kit.export.write.{name}", lambda *_, name=name: pytest.fail(name))
    recipe = load(uninterrupted("classification"))
    with pytest.raises(ConfigError, match=r"keep_fp32 names 'encoder.layer.9', .*did you mean .*'encoder.layer.1'"):
        recipe.export(tmp_path / "exported", quantize="int8", keep_fp32=["encoder.layer.9", "pooler"])
    with pytest.raises(ConfigError, match=r"names 'pool', which is no layer .*use bert.embeddings, .*classifier, or"):
        recipe.export(tmp_path / "exported", quantize="int8", keep_fp32="pool")
    with pytest.raises(ConfigError, match=r"names 'bert' and 'classifier', which are all layers .*leave out quantize"):
        recipe.export(tmp_path / "exported", quantize="int8", keep_fp32=["bert", "classifier"])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_classifier_is_exported_proven_and_used(run, tmp_path, format):
    recipe = load(run)
    proof = recipe.export(tmp_path / "exported", format, threads=1)
    assert (proof.method, proof.examples, proof.equal, proof.faults) == ("fp32", 200, 1.0, ())
    assert proof.largest_difference < 1e-5
    report = json.loads((run / "report.json").read_text("utf-8"))
    assert proof.scores["accuracy"]["before"] == pytest.approx(report["result"]["accuracy"])
    model = load_exported(tmp_path / "exported", threads=1)
    for batch_size in (1, 7):
        for found, expected in zip(model.predict(TEXTS, batch_size=batch_size), recipe.predict(TEXTS), strict=True):
            assert found.label == expected.label
            assert found.scores == pytest.approx(expected.scores, abs=1e-5)
    further = [row["text"] for row in sample_reviews("train", count=30)]
    asked = {"coverage": 0.5, "label_sets": 0.8}
    for found, expected in zip(model.predict(further, **asked), recipe.predict(further, **asked), strict=True):
        assert (found.refused, found.label, found.label_set) == (expected.refused, expected.label, expected.label_set)
    assert (model.settings.evidence["equal"], model.settings.evidence["calibration"]) == (1.0, OF_THE_KIT)
    assert model.selection(coverage=0.5) == recipe.selection(coverage=0.5)
    file = tmp_path / "new.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    model.predict_file(file, tmp_path / "found.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text("utf-8").splitlines()]
    assert [row["label"] for row in rows] == [prediction.label for prediction in recipe.predict(TEXTS)]
    for name in ("new.jsonl", "found.jsonl"):
        (tmp_path / name).unlink()
    names = {path.name for path in (tmp_path / "exported").iterdir()}
    assert {"exported.json", "tokenizer.json", "requirements.txt", "README.md"} < names
    assert [path.name for path in tmp_path.iterdir()] == ["exported"]


@pytest.mark.slow
@ONNX
@pytest.mark.parametrize("name", ["question_answering", "pretraining"])
def test_other_recipes_are_exported(uninterrupted, tmp_path, name):
    recipe = load_recipe(uninterrupted(name), {"use_cpu": True})
    proof = recipe.export(tmp_path / "exported", threads=1)
    assert (proof.equal, proof.faults) == (1.0, ())
    model = load_exported(tmp_path / "exported", threads=1)
    if name == "question_answering":
        for found, expected in zip(model.predict(QUESTIONS), recipe.predict(QUESTIONS), strict=True):
            assert (found.text, found.start, found.end) == (expected.text, expected.start, expected.end)
            assert found.no_answer == pytest.approx(expected.no_answer, abs=1e-5)
    else:
        ((mask,),) = model.predict(f"the {model.mask_token} opens")
        expected = exported_by_torch(recipe, tmp_path / "torch").predict(f"the {model.mask_token} opens")[0][0]
        assert [token for token, _ in mask.tokens] == [token for token, _ in expected.tokens]


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_int8_is_smaller_and_scores_nearly_the_same(run, tmp_path, format):
    proof = load(run).export(tmp_path / "exported", format, "int8", tolerance=5, threads=1)
    assert proof.method.startswith("int8")
    assert proof.points_lost <= 5
    assert proof.largest_difference > 1e-4
    model = load_exported(tmp_path / "exported", threads=1)
    assert len(model.predict(TEXTS)) == len(TEXTS)
    assert model.settings.evidence["calibration"] == OWN
    saved = load(run).trained().calibration
    basis = model.settings.threshold_basis
    assert basis.confidence == pytest.approx(saved.chosen_on.confidence, abs=0.2)
    assert basis.confidence != saved.chosen_on.confidence
    assert model.selection(coverage=0.8).measured_on == len(saved.measured_on.confidence)


def plant_outlier(run, folder, factor=2.0**14):
    """Return the recipe of a copy of a run that predicts the same, with one feature far larger than the others.

    What the last norm multiplies, by a power of 2, the weights of the pooler divide.
    """
    recipe = load(shutil.copytree(run, folder))
    bert = recipe.trained().model.bert
    norm = bert.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        norm.weight[3] *= factor
        norm.bias[3] *= factor
        bert.pooler.dense.weight[:, 3] /= factor
    return recipe


@pytest.mark.slow
@ONNX
def test_an_outlier_that_int8_cannot_hold_is_refused_and_its_layer_kept_in_fp32(run, tmp_path):
    """In fp32 nothing changes; in int8 the other features of the layer are rounded away."""
    recipe = plant_outlier(run, tmp_path / "planted")
    target = tmp_path / "exported"
    assert recipe.export(target, threads=1, tolerance=1e-3).equal == 1
    shutil.rmtree(target)
    with pytest.raises(ExportError) as error:
        recipe.export(target, quantize="int8", threads=1)
    message = str(error.value)
    assert "points of accuracy are lost" in message
    assert "int8 dynamic" in message
    assert "int8 static" in message
    assert "most harm, each quantized alone: bert.pooler (" in message
    assert not target.exists()
    assert not list(tmp_path.glob("*.part"))
    recipe.export(target, quantize="int8", threads=1, tolerance=3.0, keep_fp32=["pooler"])
    with pytest.raises(ConfigError, match="keep_fp32 names 'layer_9'"):
        recipe.export(target, quantize="int8", keep_fp32=["layer_9"])
    assert (target / "exported.json").exists()


@pytest.mark.slow
@ONNX
def test_the_command_and_a_process_without_torch(run, tmp_path, capsys):
    main(["export", str(run), "--output", str(tmp_path / "exported"), "--threads", "1"])
    shown = capsys.readouterr().out
    assert "100.00% of the predictions are equal" in shown
    assert shown.rstrip().endswith(f"The exported model is in {tmp_path / 'exported'}.")
    code = (
        "import sys\nfrom bert_finetune_kit import load_exported\n"
        f"print(load_exported({str(tmp_path / 'exported')!r}).predict('a fine day')[0].label)\n"
        "print(*sorted({'torch', 'transformers', 'datasets', 'scipy', 'sklearn', 'pandas'} & {*sys.modules}))"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [load(run).predict("a fine day")[0].label, ""]


WRONG = [
    ({"batch_size": 0}, "batch_size is 0: a whole number from 1 up is needed"),
    ({"batch_size": -1}, "batch_size is -1: a whole number from 1 up is needed"),
    ({"batch_size": 1.5}, "batch_size is 1.5: a whole number from 1 up is needed"),
    ({"threads": 0}, "threads is 0: a whole number from 1 up is needed"),
    ({"threads": -3}, "threads is -3: a whole number from 1 up is needed"),
    ({"threads": "a"}, "threads is 'a': a whole number from 1 up is needed"),
    ({"tolerance": float("nan")}, "tolerance is nan: a number from 0 up is needed"),
    ({"tolerance": float("inf")}, "tolerance is inf: a number from 0 up is needed"),
    ({"tolerance": "a"}, "tolerance is 'a': a number from 0 up is needed"),
    ({"keep_fp32": ("pooler",)}, "keep_fp32 goes with quantize='int8'"),
    ({"keep_fp32": (3,), "quantize": "int8"}, r"keep_fp32 is \[3\]: names of layers are needed"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_settings_are_checked_before_the_model_is_used(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        export_model(None, tmp_path / "exported", ExportSettings(**settings))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch_size", "-1"], "batch_size is -1"),
        (["--threads", "0"], "threads is 0"),
        (["--tolerance", "nan"], "tolerance is nan"),
        (["--keep_fp32", "pooler"], "keep_fp32 goes with"),
        (["--output", "{file}"], "exists already and is no exported model"),
        (["--output", "{file}/below"], "cannot be made: .* is a file"),
    ],
)
def test_the_command_checks_settings_before_the_model_is_loaded(tmp_path, monkeypatch, words, message):
    monkeypatch.setattr("bert_finetune_kit.export.write.check_packages", lambda *_: None)
    monkeypatch.setattr("bert_finetune_kit.commands.export.load_recipe", lambda *_: pytest.fail("loaded"))
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(KitError, match=message):
        export([str(tmp_path), *(word.replace("{file}", str(file)) for word in words)])


@pytest.mark.slow
@ONNX
def test_a_proof_on_a_file_stands_beside_that_on_the_validation_split(run, tmp_path, monkeypatch):
    folder, target, file = shutil.copytree(run, tmp_path / "run"), tmp_path / "exported", tmp_path / "few.csv"
    (folder / "exported_forms.json").unlink(missing_ok=True)  # of exports of other tests
    names = load(folder).trained().usage.names
    lines = [f'"{text}",{names[number % len(names)]}' for number, text in enumerate(TEXTS[:6])]
    file.write_text("\n".join(["text,label", *lines]) + "\n", "utf-8")
    load(folder).export(target, threads=1)
    proof = load(folder).export(target, threads=1, data=str(file))
    assert (proof.proven_on, proof.examples) == ("few.csv", 6)
    card = (folder / "README.md").read_text("utf-8")
    assert card.count("| validation split | 200 |") == 1
    assert card.count("| few.csv | 6 |") == 1
    for page in ("README.md", "exported.json"):
        assert "Warning: logits and predictions of 6 examples" in (target / page).read_text("utf-8")
    monkeypatch.setattr("bert_finetune_kit.export.write.export_program", lambda *_: pytest.fail("exported"))
    with pytest.raises(DataError, match="6 examples can show none: at least 100 are needed"):
        load(folder).export(tmp_path / "int8", quantize="int8", threads=1, data=str(file))
    assert not (tmp_path / "int8").exists()
