"""Every run tells how far its weights moved, from the beginning of the run to those it saved."""

import math
import os
import signal

import pytest
import torch
from interrupted import RECIPES, build
from safetensors.torch import load_file
from transformers import BertForPreTraining, BertModel, TrainerCallback

from bert_finetune_kit import ClassificationConfig, ClassificationRecipe, LabelledSource, PretrainRecipe, RunStopped
from bert_finetune_kit.modeling import start
from bert_finetune_kit.modeling.change import module_of
from bert_finetune_kit.modeling.start import START_FILE
from bert_finetune_kit.reporting.markdown import to_markdown

SHORT = {"num_train_epochs": 1, "max_steps": 4, "save_strategy": "no", "eval_strategy": "no"}
SHORT |= {"load_best_model_at_end": False}


@pytest.fixture
def folder(tmp_path, tokenizer, config):
    """A checkpoint with the heads of pretraining, and its tokenizer."""
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.1
    torch.manual_seed(7)
    BertForPreTraining(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def classify(folder, output_dir, recipe=None, lora=None, **settings):
    args = ClassificationRecipe.default_args(str(output_dir), **(SHORT | {"learning_rate": 1e-3} | settings))
    source = LabelledSource(max_train_examples=40, max_validation_examples=10)
    return ClassificationRecipe(source=source, model=str(folder), args=args, config=recipe, lora=lora)


def by_module(before, after):
    """Return ‖after - before‖ / ‖before‖ of each module, of two dictionaries of tensors, straight from the formula."""
    rows = {}
    for name, old in before.items():
        short = name.removeprefix("bert.")
        if name in after:
            way, norm = rows.setdefault(module_of(short), ([], []))
            way.append((after[name] - old).double().norm().item())
            norm.append(old.double().norm().item())
    return {module: math.hypot(*way) / math.hypot(*norm) for module, (way, norm) in rows.items()}


def moved(report):
    return {one["name"]: one["moved"] for one in report.change["modules"] if one["moved"] is not None}


@pytest.mark.parametrize("name", RECIPES)
def test_fresh_weights_from_their_draw_to_what_is_saved(folder, tmp_path, name):
    recipe = build(name, folder, tmp_path / "run", **SHORT)
    before = {name: value.clone() for name, value in recipe.prepared().model.named_parameters()}
    report = recipe.train()
    expected = by_module(before, load_file(tmp_path / "run" / "model.safetensors"))
    assert moved(report) == pytest.approx(expected, rel=1e-6)
    assert min(expected.values()) > 0
    assert report.change["fresh"]
    assert report.change["before"] == report.change["after"] == report.parameters["total"]
    assert not (tmp_path / "run" / START_FILE).exists()
    assert "began as random numbers" in to_markdown(report)


def test_a_checkpoint_under_another_head_with_frozen_layers(folder, tmp_path, config, capsys):
    settings = ClassificationConfig(freeze_layers=1)
    report = classify(folder, tmp_path / "run", settings).train()
    expected = by_module(load_file(folder / "model.safetensors"), load_file(tmp_path / "run" / "model.safetensors"))
    assert moved(report) == pytest.approx(expected, rel=1e-6)
    assert moved(report)["encoder.layer.0"] == moved(report)["embeddings.word_embeddings"] == 0
    assert moved(report)["encoder.layer.1"] > 0
    assert report.change["before"] == BertModel(config).num_parameters()
    assert report.change["after"] - report.change["before"] == 2 * config.hidden_size + 2
    assert list(report.change["left_out"]) == ["cls.predictions", "cls.seq_relationship"]
    text = to_markdown(report)
    assert "| encoder.layer.0 |" in text
    assert "Frozen, and exactly as before: the embeddings and layer 0." in text
    assert "layer 1 moved by" in " ".join(capsys.readouterr().out.split())


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_lora_as_it_is_merged(folder, tmp_path):
    report = classify(folder, tmp_path / "run", lora={"r": 2}, learning_rate=1e-2).train()
    saved = load_file(tmp_path / "run" / "model.safetensors")
    assert moved(report) == pytest.approx(by_module(load_file(folder / "model.safetensors"), saved), rel=1e-6)
    still = {name for name, way in moved(report).items() if way == 0}
    assert {name for name in moved(report) if not name.startswith("encoder")} == still
    assert report.change["trained"] == report.parameters["trainable"]
    assert report.change["adapters"] == report.change["trained"] - 66
    assert report.change["after"] == sum(value.numel() for value in saved.values())
    assert [one["trainable"] for one in report.change["modules"] if one["layer"] is not None] == [True, True]


class Stop(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_pre_optimizer_step(self, args, state, control, **_):
        if state.global_step + 1 == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("then", ["another process", "the same recipe", "the start is lost"])
def test_a_run_that_goes_on_counts_from_its_beginning(folder, tmp_path, then):
    """With a new head, which is drawn, and with weights of a checkpoint."""
    whole = classify(folder, tmp_path / "whole").train().change
    recipe = classify(folder, tmp_path / "run")
    recipe.callbacks.append(Stop(2))
    with pytest.raises(RunStopped):
        recipe.train()
    if then == "the start is lost":
        (tmp_path / "run" / START_FILE).unlink()
    recipe.callbacks.clear()
    again = recipe if then == "the same recipe" else classify(folder, tmp_path / "run")
    assert again.train(resume=True).change == whole


def test_without_room_for_the_start_the_run_goes_on(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(start, "save_file", full)
    report = classify(folder, tmp_path / "run").train()
    assert report.change == {}
    assert any("could not be kept" in note and "No space" in note for note in report.notes)
    assert "## Parameters\n\n| module | parameters |" in to_markdown(report)


def test_pretraining_goes_on_with_its_heads(folder, tmp_path):
    recipe, _ = RECIPES["pretraining"]
    args = PretrainRecipe.default_args(str(tmp_path / "run"), **(SHORT | {"per_device_train_batch_size": 8}))
    report = recipe(**RECIPES["pretraining"][1], model=str(folder), args=args).train()
    saved = load_file(tmp_path / "run" / "model.safetensors")
    assert moved(report) == pytest.approx(by_module(load_file(folder / "model.safetensors"), saved), rel=1e-6)
    assert report.change["left_out"] == report.change["added"] == report.change["removed"] == {}
