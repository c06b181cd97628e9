"""Whatever happens to a run and its disk: a valid checkpoint stays, and resuming from it loses nothing."""

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import interrupted
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_recipes import Signal, assert_same, assert_same_weights, build, outcome
from transformers import TrainerCallback, TrainerControl, TrainerState

from bert_finetune_kit import OutputError, RunStopped
from bert_finetune_kit.modeling.initial_weights import INITIAL_WEIGHTS_FILE
from bert_finetune_kit.runs.checkpoints import MANIFEST, finalize, latest_valid_checkpoint, saved_fingerprint, validate
from bert_finetune_kit.training.checkpointing import CheckpointCallback

SCRIPT = Path(interrupted.__file__)


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory, dropout_model):
    """Folder of a classification with the checkpoints of steps 8 and 10, where it was stopped."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    recipe = build("classification", dropout_model, folder)
    recipe.callbacks.append(Signal(10))
    with pytest.raises(RunStopped):
        recipe.train()
    return folder


@pytest.fixture
def stopped(stopped_run, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(stopped_run, tmp_path / "run")


# What makes a checkpoint valid


class Loss:
    """Stands for the running loss of a Trainer."""

    def __init__(self, value):
        self.value = value

    def state(self):
        return {"loss": self.value}

    def restore(self, state):
        self.value = state["loss"]


def save(run, step, should_save=True, process_index=0, best=None, waits=None):
    """Let the callback finish a checkpoint whose files the Trainer has written."""
    checkpoint = run / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "optimizer.pt"):
        (checkpoint / name).write_bytes(name.encode() * 100)
    callback = CheckpointCallback(Loss(0.5), {"seed": 1}, 2, lambda: waits.append(validate(checkpoint)))
    args = SimpleNamespace(output_dir=str(run), process_index=process_index, should_save=should_save)
    state = TrainerState(global_step=step, best_global_step=best)
    callback.on_save(args, state, TrainerControl())
    return checkpoint


def test_a_checkpoint_becomes_valid_after_the_trainer_and_every_process_have_written(tmp_path):
    waits = []
    checkpoint = save(tmp_path, 4, waits=waits)
    assert "incomplete" in waits[0]  # while it waits for the files of the other processes
    assert waits[1:] == [None]
    assert validate(checkpoint) is None
    assert saved_fingerprint(checkpoint) == {"seed": 1}
    files = json.loads((checkpoint / MANIFEST).read_text())["files"]
    assert sorted(files) == ["model.safetensors", "optimizer.pt", "running_loss_0.json"]


def test_another_process_writes_its_own_part_alone(tmp_path):
    checkpoint = save(tmp_path, 4, should_save=False, process_index=1, waits=[])
    assert (checkpoint / "running_loss_1.json").exists()
    assert "incomplete" in validate(checkpoint)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "running_loss_0.json"])
def test_a_file_that_is_cut_makes_it_invalid(tmp_path, name):
    expected = save(tmp_path, 4, waits=[])
    file = save(tmp_path, 8, waits=[]) / name
    file.write_bytes(file.read_bytes()[:-1])
    checkpoint, (skipped,) = latest_valid_checkpoint(tmp_path)
    assert checkpoint == expected
    assert skipped.startswith(f"checkpoint-8 was skipped: {name} has ")


def test_old_checkpoints_are_deleted_once_the_new_one_is_valid(tmp_path):
    for step in (2, 4, 6, 8):
        save(tmp_path, step, best=4, waits=[])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-4", "checkpoint-8"]


def test_every_file_of_a_real_checkpoint_is_in_its_manifest(stopped):
    checkpoint = stopped / "checkpoint-10"
    assert validate(checkpoint) is None
    files = [file for file in checkpoint.rglob("*") if file.is_file() and file.name != MANIFEST]
    names = {file.name for file in files}
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"} <= names
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[:-1])
        assert validate(checkpoint).startswith(f"{file.name} has ")
        file.unlink()
        assert validate(checkpoint) == f"{file.name} is missing"
        file.write_bytes(content)
    assert validate(checkpoint) is None


def test_a_damaged_checkpoint_is_skipped(dropout_model, uninterrupted, stopped):
    weights = stopped / "checkpoint-10" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    report = build("classification", dropout_model, stopped).train(resume=True)
    assert any("checkpoint-10 was skipped: model.safetensors has 1,000" in note for note in report.notes)
    assert_same(stopped, uninterrupted("classification"))


# The best checkpoint

BEST = {"max_steps": 8, "eval_steps": 2, "save_steps": 2, "save_total_limit": 1, "learning_rate": 1.0}


@pytest.fixture(scope="module")
def stopped_after_best(tmp_path_factory, dropout_model):
    """Folder of a run that was stopped at step 5, with its best checkpoint, that of step 2, and the newest."""
    folder = tmp_path_factory.mktemp("best") / "run"
    recipe = build("classification", dropout_model, folder, **BEST)
    recipe.callbacks.append(Signal(5))
    with pytest.raises(RunStopped):
        recipe.train()
    assert sorted(path.name for path in folder.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-5"]
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("moved", [pytest.param(True, id="moved"), pytest.param(False, id="copied")])
def test_the_best_checkpoint_is_that_of_the_folder_of_the_run(
    dropout_model, uninterrupted, stopped_after_best, tmp_path, moved, caplog
):
    """Wherever the folder was: another run has the weights of the old place by now, or nothing is there."""
    old, run = tmp_path / "old", tmp_path / "run"
    shutil.copytree(stopped_after_best, run)
    state = run / "checkpoint-5" / "trainer_state.json"
    state.write_text(state.read_text().replace(str(stopped_after_best), str(old)))
    finalize(run / "checkpoint-5", saved_fingerprint(run / "checkpoint-5"))
    if not moved:
        shutil.copytree(run, old)
        weights = load_file(old / "checkpoint-2" / "model.safetensors")
        save_file({name: value + 1 for name, value in weights.items()}, old / "checkpoint-2" / "model.safetensors")
    build("classification", dropout_model, run, **BEST).train(resume=True)
    assert_same(run, uninterrupted("classification", **BEST))
    assert sorted(path.name for path in run.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-8"]
    assert not any("does not exist" in message for message in caplog.messages)


def cut(file):
    file.write_bytes(file.read_bytes()[:10])


@pytest.mark.parametrize(
    "damage",
    [cut, Path.unlink, lambda file: file.with_name(MANIFEST).unlink()],
    ids=["cut weights", "no weights", "no manifest"],
)
def test_a_damaged_best_checkpoint_ends_no_run(dropout_model, stopped_after_best, tmp_path, damage):
    run = shutil.copytree(stopped_after_best, tmp_path / "run")
    damage(run / "checkpoint-2" / "model.safetensors")
    report = build("classification", dropout_model, run, **BEST).train(resume=True)
    assert any("those of step 2, whose checkpoint is damaged: the last were saved" in note for note in report.notes)
    assert report.result["step"] == 8
    assert_same_weights(load_file(run / "model.safetensors"), load_file(run / "checkpoint-8" / "model.safetensors"))


@pytest.mark.parametrize("damage", [cut, lambda file: file.write_bytes(b""), Path.unlink], ids=["cut", "empty", "gone"])
def test_damaged_initial_weights_are_drawn_again(dropout_model, uninterrupted, stopped_after_best, tmp_path, damage):
    run = shutil.copytree(stopped_after_best, tmp_path / "run")
    damage(run / INITIAL_WEIGHTS_FILE)
    build("classification", dropout_model, run, **BEST).train(resume=True)
    assert_same(run, uninterrupted("classification", **BEST))


# Kills


class Died(BaseException):
    """The process ends."""


class DieWhileSaving(TrainerCallback):
    """Ends the run when the Trainer has written the files of a checkpoint, which is not valid yet."""

    def __init__(self, step):
        self.step = step

    def on_save(self, args, state, control, **_):
        if state.global_step == self.step:
            raise Died


def test_a_run_that_ends_while_it_saves_resumes_from_the_checkpoint_before(dropout_model, uninterrupted, tmp_path):
    recipe = build("classification", dropout_model, tmp_path)
    recipe.callbacks.append(DieWhileSaving(8))
    with pytest.raises(Died):
        recipe.train()
    assert (tmp_path / "checkpoint-8" / "model.safetensors").exists()
    assert not (tmp_path / "checkpoint-8" / MANIFEST).exists()
    report = build("classification", dropout_model, tmp_path).train(resume=True)
    assert any(note.startswith("checkpoint-8 was skipped: incomplete") for note in report.notes)
    assert_same(tmp_path, uninterrupted("classification"))


def is_saving(run, since):
    """Whether files of a checkpoint that is not valid yet were written since a time in nanoseconds."""
    incomplete = [checkpoint for checkpoint in run.glob("checkpoint-*") if not (checkpoint / MANIFEST).exists()]
    try:
        return any(file.stat().st_mtime_ns > since for checkpoint in incomplete for file in checkpoint.iterdir())
    except FileNotFoundError:  # renamed in between
        return True


@pytest.mark.slow
def test_killed_at_random_moments(dropout_model, uninterrupted, tmp_path):
    """SIGKILL, half of the time while a checkpoint is written."""
    rng, kills, while_saving = random.Random(0), 0, 0
    command = [sys.executable, str(SCRIPT), "classification", str(dropout_model), str(tmp_path), "--resume"]
    while kills < 8:
        since = time.time_ns()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        child.stdout.readline()
        if kills % 2:
            end = time.monotonic() + rng.uniform(0.1, 1.0)
            while time.monotonic() < end and child.poll() is None:
                time.sleep(0.005)
        else:
            while not is_saving(tmp_path, since) and child.poll() is None:
                time.sleep(0.0005)
            time.sleep(rng.uniform(0, 0.02) if kills else 0)  # at once where it is the first
        child.kill()
        child.communicate()
        if child.returncode == 0:  # the run was at its end
            break
        assert child.returncode == -signal.SIGKILL
        kills += 1
        while_saving += bool(latest_valid_checkpoint(tmp_path)[1])
    assert kills >= 2
    assert while_saving >= 1
    build("classification", dropout_model, tmp_path).train(resume=True)
    assert_same(tmp_path, uninterrupted("classification"))


# Disks


class FullDisk(TrainerCallback):
    """Lets no file become as large as the weights from some step on."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))


def test_a_full_disk_loses_nothing(dropout_model, uninterrupted, tmp_path):
    recipe = build("classification", dropout_model, tmp_path)
    recipe.callbacks.append(FullDisk(8))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OutputError, match=r"step 8 could not be written.*last valid checkpoint is .*checkpoint-4"):
            recipe.train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert latest_valid_checkpoint(tmp_path)[0].name == "checkpoint-4"
    build("classification", dropout_model, tmp_path).train(resume=True)
    assert_same(tmp_path, uninterrupted("classification"))


class MoveFolder(TrainerCallback):
    """Moves the folder of the run away in a step, and leaves a file in its place, or nothing."""

    def __init__(self, run, step, leave_file):
        self.run, self.step, self.leave_file = run, step, leave_file

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            self.run.rename(self.run.with_name("away"))
            if self.leave_file:
                self.run.touch()


@pytest.mark.slow
def test_a_folder_that_can_no_longer_be_written_loses_nothing(dropout_model, uninterrupted, tmp_path):
    recipe, run = build("classification", dropout_model, tmp_path / "run"), tmp_path / "run"
    recipe.callbacks.append(MoveFolder(run, 7, leave_file=True))
    with pytest.raises(OutputError, match=r"step 8 could not be written.*Not a directory.*--resume"):
        recipe.train()
    run.unlink()
    (tmp_path / "away").rename(run)
    assert latest_valid_checkpoint(run)[0].name == "checkpoint-4"
    build("classification", dropout_model, run).train(resume=True)
    assert_same(run, uninterrupted("classification"))


@pytest.mark.slow
def test_a_folder_that_vanishes_is_created_again(dropout_model, uninterrupted, tmp_path):
    """The best checkpoint may have vanished with it, which is noted."""
    expected_run = uninterrupted("classification", load_best_model_at_end=False)
    recipe, run = build("classification", dropout_model, tmp_path / "run"), tmp_path / "run"
    assert recipe.args.load_best_model_at_end
    recipe.callbacks.append(MoveFolder(run, 7, leave_file=False))
    report = recipe.train()
    assert latest_valid_checkpoint(tmp_path / "away")[0].name == "checkpoint-4"
    assert any("those of step 4, whose checkpoint is gone: the last were saved" in note for note in report.notes)
    assert report.result == report.scores[-1]
    assert any("the change of the weights is not known: the initial weights are gone" in note for note in report.notes)
    (weights, figures), (expected, expected_figures) = outcome(run), outcome(expected_run)
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    assert figures | {"change": None} == expected_figures | {"change": None}


def test_a_model_that_cannot_be_saved_is_not_trained_again(dropout_model, uninterrupted, tmp_path, monkeypatch):
    recipe = build("classification", dropout_model, tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(recipe), "save_model", full)
        with pytest.raises(OutputError, match=r"could not be written.*No space.*last valid checkpoint is.*--resume"):
            recipe.train()
    recipe = build("classification", dropout_model, tmp_path)
    recipe.train(resume=True)
    assert recipe.trainer.training_seconds == 0
    assert_same(tmp_path, uninterrupted("classification"))
