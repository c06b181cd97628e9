"""The folder of a run: claimed, resumed, and how much the weights changed from the run's start to those it saved."""

import math

import pytest
import torch
from safetensors.torch import load_file
from small_recipes import CONFIGS, KINDS, SOURCES, Signal, build, small_config
from transformers import BertForPreTraining, BertModel

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    LabelledSource,
    OutputError,
    PretrainRecipe,
    RunStopped,
)
from bert_finetune_kit.modeling import initial_weights
from bert_finetune_kit.modeling.initial_weights import INITIAL_WEIGHTS_FILE
from bert_finetune_kit.modeling.layers import module_of
from bert_finetune_kit.reporting.markdown import to_markdown
from bert_finetune_kit.runs.checkpoints import finalize
from bert_finetune_kit.runs.directory import RunDirectory

SHORT = {"num_train_epochs": 1, "max_steps": 4, "save_strategy": "no", "eval_strategy": "no"}
SHORT |= {"load_best_model_at_end": False}


# What a run starts from


def write_checkpoint(run, step, fingerprint):
    folder = run / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    if fingerprint is not None:
        finalize(folder, fingerprint)
    return folder


def test_a_claim_of_an_empty_folder_starts_from_scratch(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.check(resume=False)
    for resume in (False, True):
        claim = run.claim({"seed": 1}, resume, force=False)
        assert (claim.checkpoint, claim.notes) == (None, ())
    assert claim.describe() == "No valid checkpoint found; starting from scratch."


def test_a_folder_whose_name_could_not_be_decoded_is_refused(tmp_path):
    """As under a locale without UTF-8: tokenizers cannot be saved there."""
    with pytest.raises(OutputError, match="PYTHONUTF8=1"):
        RunDirectory(tmp_path / "gr\udcc3\udcb6sse").check(resume=False)


def test_a_claim_is_the_newest_valid_checkpoint(tmp_path):
    expected = write_checkpoint(tmp_path, 4, {"seed": 1})
    write_checkpoint(tmp_path, 8, None)
    claim = RunDirectory(tmp_path).claim({"seed": 1}, resume=True, force=False)
    assert claim.checkpoint == expected
    assert claim.describe() == f"Resuming from {expected}."
    (note,) = claim.notes
    assert note.startswith("checkpoint-8 was skipped: incomplete")


def test_a_claim_with_another_fingerprint_is_refused_unless_it_is_forced(tmp_path):
    write_checkpoint(tmp_path, 4, {"seed": 1, "rate": 0.1})
    run = RunDirectory(tmp_path)
    with pytest.raises(OutputError, match=r"(?s)mix two runs.*seed was 1 and is now 2.*force=True \(--force\)"):
        run.claim({"seed": 2, "rate": 0.1}, resume=True, force=False)
    claim = run.claim({"seed": 2, "rate": 0.1}, resume=True, force=True)
    assert claim.notes == ("mixed: up to checkpoint-4, seed was 1 and is now 2",)


def test_a_run_that_trains_longer_says_how_its_learning_rate_goes_on(tmp_path):
    write_checkpoint(tmp_path, 4, {"max_steps": 4})
    claim = RunDirectory(tmp_path).claim({"max_steps": 8}, resume=True, force=False)
    assert claim.describe().startswith(
        f"Resuming from {tmp_path / 'checkpoint-4'} to train longer: max_steps was 4 and is now 8. From here on, the "
        "learning rate is that of the same schedule over the whole longer training"
    )
    assert claim.notes[0] == "extended: up to checkpoint-4, max_steps was 4 and is now 8"
    assert claim.notes[1].startswith(
        "From checkpoint-4 on, the learning rate is that of the same schedule over the whole"
    )
    write_checkpoint(tmp_path, 6, {"config.early_stopping_patience": 1})
    claim = RunDirectory(tmp_path).claim({"config.early_stopping_patience": 2}, resume=True, force=False)
    assert claim.describe().endswith("to train longer: config.early_stopping_patience was 1 and is now 2.")
    assert len(claim.notes) == 1


def test_a_finished_run_without_a_checkpoint_says_how_to_train_on(tmp_path):
    (tmp_path / "report.json").touch()
    (tmp_path / "checkpoint-4").mkdir()
    with pytest.raises(OutputError, match=rf"(?s)no valid checkpoint.*checkpoint-4 was skipped.*model='{tmp_path}'"):
        RunDirectory(tmp_path).claim({"max_steps": 8}, resume=True, force=False)


@pytest.mark.parametrize(("fingerprint", "state"), [({"seed": 1}, "checkpoint-4"), (None, "none of them valid")])
def test_checkpoints_are_not_overwritten(tmp_path, fingerprint, state):
    write_checkpoint(tmp_path, 4, fingerprint)
    with pytest.raises(OutputError, match=rf"unfinished run \({state}\).*--resume"):
        RunDirectory(tmp_path).check(resume=False)
    RunDirectory(tmp_path).check(resume=True)


def test_only_the_main_process_writes(tmp_path):
    model = BertModel(small_config([0] * 100))
    other = RunDirectory(tmp_path, is_main=False)
    assert other.save_initial_weights(model, None, resumed=False) == ()
    assert other.parameter_change(()) == ({}, ())
    assert list(tmp_path.iterdir()) == []


# How much the weights change


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tokenizer):
    """A checkpoint with the heads of pretraining, and its tokenizer."""
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(7)
    BertForPreTraining(small_config(tokenizer, dropout=0.1)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def classify(checkpoint, output_dir, recipe=None, lora=None, **settings):
    args = ClassificationRecipe.default_args(str(output_dir), **(SHORT | {"learning_rate": 1e-3} | settings))
    source = LabelledSource(max_train_examples=40, max_validation_examples=10)
    return ClassificationRecipe(source=source, model=str(checkpoint), args=args, config=recipe, lora=lora)


def by_module(before, after):
    """Return ‖after - before‖ / ‖before‖ of each module, of two dictionaries of tensors, straight from the formula."""
    rows = {}
    for name, old in before.items():
        short = name.removeprefix("bert.")
        if name in after:
            distance, norm = rows.setdefault(module_of(short), ([], []))
            distance.append((after[name] - old).double().norm().item())
            norm.append(old.double().norm().item())
    return {module: math.hypot(*distance) / math.hypot(*norm) for module, (distance, norm) in rows.items()}


def relative_changes(report):
    modules = report.change["modules"]
    return {row["name"]: row["relative_change"] for row in modules if row["relative_change"] is not None}


@pytest.mark.parametrize("name", KINDS)
def test_new_weights_from_their_initialization_to_those_saved(dropout_model, tmp_path, name):
    recipe = build(name, dropout_model, tmp_path / "run", **SHORT)
    before = {name: value.clone() for name, value in recipe.prepare().model.named_parameters()}
    report = recipe.train()
    expected = by_module(before, load_file(tmp_path / "run" / "model.safetensors"))
    assert relative_changes(report) == pytest.approx(expected, rel=1e-6)
    assert min(expected.values()) > 0
    assert report.change["from_scratch"]
    assert report.change["before"] == report.change["after"] == report.parameters["total"]
    assert not (tmp_path / "run" / INITIAL_WEIGHTS_FILE).exists()
    assert "All weights were randomly initialized." in to_markdown(report)


def test_a_checkpoint_with_another_head_and_frozen_layers(checkpoint, tmp_path, config, capsys):
    settings = ClassificationConfig(freeze_layers=1)
    report = classify(checkpoint, tmp_path / "run", settings).train()
    saved = load_file(tmp_path / "run" / "model.safetensors")
    changes = relative_changes(report)
    assert changes == pytest.approx(by_module(load_file(checkpoint / "model.safetensors"), saved), rel=1e-6)
    assert changes["encoder.layer.0"] == changes["embeddings.word_embeddings"] == 0
    assert changes["encoder.layer.1"] > 0
    assert report.change["before"] == BertModel(config).num_parameters()
    assert report.change["after"] - report.change["before"] == 2 * config.hidden_size + 2
    assert list(report.change["unused_heads"]) == ["cls.predictions", "cls.seq_relationship"]
    text = to_markdown(report)
    assert "| encoder.layer.0 |" in text
    assert "Frozen and unchanged: the embeddings and layer 0." in text
    assert "largest weight change: layer 1," in " ".join(capsys.readouterr().out.split())


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_lora_as_it_is_merged(checkpoint, tmp_path):
    report = classify(checkpoint, tmp_path / "run", lora={"r": 2}, learning_rate=1e-2).train()
    saved = load_file(tmp_path / "run" / "model.safetensors")
    changes = relative_changes(report)
    assert changes == pytest.approx(by_module(load_file(checkpoint / "model.safetensors"), saved), rel=1e-6)
    unchanged = {name for name, change in changes.items() if change == 0}
    assert {name for name in changes if not name.startswith("encoder")} == unchanged
    assert report.change["trained"] == report.parameters["trainable"]
    assert report.change["adapters"] == report.change["trained"] - 66
    assert report.change["after"] == sum(value.numel() for value in saved.values())
    layers = [row["trainable"] for row in report.change["modules"] if row["layer"] is not None]
    assert layers == [True, True]


def test_pretraining_continues_with_the_heads_of_its_checkpoint(checkpoint, tmp_path):
    args = PretrainRecipe.default_args(str(tmp_path / "run"), **(SHORT | {"per_device_train_batch_size": 8}))
    source, config = SOURCES["pretraining"], CONFIGS["pretraining"]
    report = PretrainRecipe(source, model=str(checkpoint), config=config, args=args).train()
    saved = load_file(tmp_path / "run" / "model.safetensors")
    expected = by_module(load_file(checkpoint / "model.safetensors"), saved)
    assert relative_changes(report) == pytest.approx(expected, rel=1e-6)
    assert report.change["unused_heads"] == report.change["added"] == report.change["removed"] == {}


@pytest.fixture(scope="module")
def uninterrupted_change(checkpoint, tmp_path_factory):
    return classify(checkpoint, tmp_path_factory.mktemp("uninterrupted") / "run").train().change


@pytest.mark.parametrize(
    "resumed_by",
    [
        "another process", "one without the initial weights",
        pytest.param("the same recipe", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_resumed_run_compares_with_its_start(checkpoint, tmp_path, uninterrupted_change, resumed_by):
    """With a new head, which is randomly initialized, and with weights of a checkpoint."""
    recipe = classify(checkpoint, tmp_path / "run")
    recipe.callbacks.append(Signal(2))
    with pytest.raises(RunStopped):
        recipe.train()
    if resumed_by == "one without the initial weights":
        (tmp_path / "run" / INITIAL_WEIGHTS_FILE).unlink()
    recipe.callbacks.clear()
    resumed = recipe if resumed_by == "the same recipe" else classify(checkpoint, tmp_path / "run")
    assert resumed.train(resume=True).change == uninterrupted_change


def test_without_space_for_the_initial_weights_the_run_continues(checkpoint, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(initial_weights, "save_file", full)
    report = classify(checkpoint, tmp_path / "run").train()
    assert report.change == {}
    assert any("could not be saved" in note and "No space" in note for note in report.notes)
    assert "## Parameters\n\n| module | parameters |" in to_markdown(report)
