"""A run that is stopped or killed and goes on gives what an undisturbed one gives, to the last bit."""

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from interrupted import RECIPES, Signal, build
from safetensors.torch import load_file
from transformers import TrainerCallback

from bert_finetune_kit import OutputError, RunReport, RunStopped
from bert_finetune_kit.training.checkpoints import newest_whole

SCRIPT = Path(__file__).parent / "interrupted.py"
LAUNCH_CONFIG = Path(__file__).parents[2] / "accelerate_configs" / "multi_cpu.yaml"
ABOUT_THE_MACHINE = ("tokens_per_second",)


@pytest.fixture
def folder(tmp_path, tokenizer, config):
    """A model with dropout, and its tokenizer."""
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.1
    config.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def outcome(output_dir):
    """Return what must be the same: weights, logs, scores, and how far weights moved from the start of the run."""
    report = RunReport.load(output_dir)
    logs = [{key: value for key, value in log.items() if key not in ABOUT_THE_MACHINE} for log in report.history]
    return load_file(Path(output_dir) / "model.safetensors"), logs, report.scores, report.result, report.change


def assert_same(one, other):
    weights, *told = outcome(one)
    expected, *others = outcome(other)
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    assert told == others


@pytest.mark.parametrize(
    "name", [name if name == "classification" else pytest.param(name, marks=pytest.mark.slow) for name in RECIPES]
)
def test_stopped_and_gone_on(folder, tmp_path, name, capsys):
    """In mid-epoch, at the end of an epoch, and in the last step but one."""
    build(name, folder, tmp_path / "whole").train()
    steps = max(log["step"] for log in RunReport.load(tmp_path / "whole").history)
    epoch = next(step for step in range(1, 100) if steps == 3 * step or steps // 3 == step)
    stops = sorted({2, epoch, epoch + 5, steps - 1})
    for step in stops:
        recipe = build(name, folder, tmp_path / "stopped")
        recipe.callbacks.append(Signal(step))
        with pytest.raises(RunStopped, match=f"SIGTERM at step {step} of {steps}.*--resume") as stopped:
            recipe.train(resume=step > 2)
        assert stopped.value.signal == signal.SIGTERM
        assert newest_whole(tmp_path / "stopped")[0].name == f"checkpoint-{step}"
    build(name, folder, tmp_path / "stopped").train(resume=True)
    assert_same(tmp_path / "stopped", tmp_path / "whole")
    capsys.readouterr()
    report = build(name, folder, tmp_path / "stopped").train(resume=True)
    assert report == RunReport.load(tmp_path / "stopped")
    assert "nothing is trained again" in capsys.readouterr().out


def test_epochs_are_evaluated_once(folder, tmp_path):
    """With an evaluation an epoch, stopping in mid-epoch adds none, and at its end drops none."""
    settings = {"eval_strategy": "epoch", "save_strategy": "epoch", "logging_strategy": "epoch"}
    build("classification", folder, tmp_path / "whole", **settings).train()
    for step in (5, 12):
        recipe = build("classification", folder, tmp_path / "stopped", **settings)
        recipe.callbacks.append(Signal(step))
        with pytest.raises(RunStopped):
            recipe.train(resume=step > 5)
    build("classification", folder, tmp_path / "stopped", **settings).train(resume=True)
    assert_same(tmp_path / "stopped", tmp_path / "whole")


VARIATIONS = {
    "workers": {"dataloader_num_workers": 2},
    "bf16": {"bf16": True},
    "lora": {"lora": {"r": 2}},
    "one step a batch": {"gradient_accumulation_steps": 1},
}
HARD = [("classification", "bf16"), ("classification", "lora")]  # these in the quick tests


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of workers, while other tests have left threads
@pytest.mark.parametrize(
    ("name", "variation"),
    [
        pytest.param(name, one, marks=[] if (name, one) in HARD else pytest.mark.slow)
        for name in RECIPES
        for one in VARIATIONS
        if (name, one) != ("pretraining", "lora")
    ],
)
def test_whatever_the_training_is_like(folder, tmp_path, name, variation):
    settings = VARIATIONS[variation]
    build(name, folder, tmp_path / "whole", **settings).train()
    steps = max(log["step"] for log in RunReport.load(tmp_path / "whole").history)
    for step in (3, steps // 2 + 1):
        recipe = build(name, folder, tmp_path / "stopped", **settings)
        recipe.callbacks.append(Signal(step))
        with pytest.raises(RunStopped):
            recipe.train(resume=step > 3)
    build(name, folder, tmp_path / "stopped", **settings).train(resume=True)
    assert_same(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.parametrize("moment", ["evaluation", "saving"])
def test_stopped_while_it_evaluates_or_saves(folder, tmp_path, moment):
    """In mid-epoch and at the end of one; the signal waits for the next step."""
    settings = {"eval_steps": 6, "save_steps": 6}
    build("classification", folder, tmp_path / "whole", **settings).train()
    recipe = build("classification", folder, tmp_path / "stopped", **settings)
    recipe.callbacks.append(Signal(6, moment))
    with pytest.raises(RunStopped):
        recipe.train()
    assert newest_whole(tmp_path / "stopped")[0].name == "checkpoint-7"
    build("classification", folder, tmp_path / "stopped", **settings).train(resume=True)
    assert_same(tmp_path / "stopped", tmp_path / "whole")


def launch(processes, *arguments):
    command = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return subprocess.run(
        [sys.executable, *(command if processes > 1 else []), str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=240,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_stop_together_and_go_on(folder, tmp_path, name):
    """One of them gets the signal."""
    assert launch(2, name, folder, tmp_path / "whole").returncode == 0
    told = launch(2, name, folder, tmp_path / "stopped", "--stop", 5)
    assert told.returncode != 0
    assert newest_whole(tmp_path / "stopped")[0].name == "checkpoint-5", told.stderr
    told = launch(2, name, folder, tmp_path / "stopped", "--resume")
    assert told.returncode == 0, told.stderr
    assert_same(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.slow
def test_a_launcher_that_gets_the_signal_hands_it_on(folder, tmp_path):
    """As a scheduler sends it to `accelerate launch`."""
    run = tmp_path / "stopped"
    command = ["-m", "accelerate.commands.launch", "--config_file", str(LAUNCH_CONFIG), str(SCRIPT)]
    launcher = subprocess.Popen(
        [sys.executable, *command, "classification", str(folder), str(run)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    while not list(run.glob("checkpoint-*")):
        assert launcher.poll() is None, launcher.stderr.read()
        time.sleep(0.02)
    launcher.send_signal(signal.SIGTERM)
    launcher.communicate(timeout=120)
    assert launcher.returncode != 0
    assert not (run / "report.json").exists()
    checkpoint, passed_over = newest_whole(run)
    assert checkpoint is not None
    assert not passed_over
    assert launch(2, "classification", folder, run, "--resume").returncode == 0
    assert launch(2, "classification", folder, tmp_path / "whole").returncode == 0
    assert_same(run, tmp_path / "whole")


@pytest.mark.slow
def test_another_number_of_processes_sees_the_same_data(folder, tmp_path, config):
    """Without dropout, which each process draws for itself, the weights are the same but for rounding."""
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config.save_pretrained(folder)
    assert launch(1, "classification", folder, tmp_path / "whole").returncode == 0
    assert launch(1, "classification", folder, tmp_path / "changed", "--stop", 5).returncode == 128 + signal.SIGTERM
    told = launch(
        2,
        "classification",
        folder,
        tmp_path / "changed",
        "--resume",
        "--settings",
        '{"gradient_accumulation_steps": 1}',
    )
    assert told.returncode == 0, told.stderr
    (ours, *_), (theirs, *_) = outcome(tmp_path / "changed"), outcome(tmp_path / "whole")
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, atol=2e-5, rtol=1e-3)


def test_a_second_ctrl_c_leaves_at_once(folder, tmp_path):
    class Impatient(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, **_):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1.1)
            os.kill(os.getpid(), signal.SIGINT)

    recipe = build("classification", folder, tmp_path / "run")
    recipe.callbacks.append(Impatient())
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        recipe.train()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_torn_checkpoint_is_passed_over(folder, tmp_path):
    build("classification", folder, tmp_path / "whole").train()
    recipe = build("classification", folder, tmp_path / "run")
    recipe.callbacks.append(Signal(10))
    with pytest.raises(RunStopped):
        recipe.train()
    weights = tmp_path / "run" / "checkpoint-10" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    recipe = build("classification", folder, tmp_path / "run")
    recipe.train(resume=True)
    assert any("checkpoint-10 was passed over: model.safetensors has 1,000" in note for note in recipe.notes)
    assert_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"learning_rate": 5e-4}, "learning_rate was 0.001 and is now 0.0005"),
        ({"per_device_train_batch_size": 8}, "effective batch was 8 and is now 16"),
        ({"seed": 3}, "seed was 42 and is now 3"),
        ({"version": "9.9"}, "version of torch was .* and is now '9.9'"),
    ],
)
def test_other_settings_are_refused_unless_they_are_forced(folder, tmp_path, changed, said, monkeypatch):
    recipe = build("classification", folder, tmp_path / "run")
    recipe.callbacks.append(Signal(5))
    with pytest.raises(RunStopped):
        recipe.train()
    changed = dict(changed)
    if "version" in changed:
        monkeypatch.setattr(
            "bert_finetune_kit.training.fingerprint.package_versions", lambda: {"torch": changed["version"]}
        )
    settings = {name: value for name, value in changed.items() if name != "version"}
    with pytest.raises(OutputError, match=said):
        build("classification", folder, tmp_path / "run", **settings).train(resume=True)
    report = build("classification", folder, tmp_path / "run", **settings).train(resume=True, force=True)
    assert any(re.search(f"mixed: up to checkpoint-5, {said}", note) for note in report.notes)


def test_other_data_are_refused_and_another_batch_split_is_not(folder, tmp_path):
    recipe = build("classification", folder, tmp_path / "run")
    recipe.callbacks.append(Signal(5))
    with pytest.raises(RunStopped):
        recipe.train()
    other = build("classification", folder, tmp_path / "run")
    rows = other.prepared().train
    rows.targets[:] = 1 - rows.targets[:]
    with pytest.raises(OutputError, match=r"data was .* and is now"):
        other.train(resume=True)
    split = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "logging_steps": 5}
    assert build("classification", folder, tmp_path / "run", **split).train(resume=True).scores


class Full(TrainerCallback):
    """Lets no file grow beyond what the weights need from some step on, as on a full disk."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))


def test_a_full_disk_loses_nothing(folder, tmp_path):
    build("classification", folder, tmp_path / "whole").train()
    recipe = build("classification", folder, tmp_path / "run")
    recipe.callbacks.append(Full(8))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OutputError, match=r"step 8 could not be written.*last whole checkpoint is .*checkpoint-4"):
            recipe.train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert newest_whole(tmp_path / "run")[0].name == "checkpoint-4"
    build("classification", folder, tmp_path / "run").train(resume=True)
    assert_same(tmp_path / "run", tmp_path / "whole")


class Vanish(TrainerCallback):
    """Moves the folder of the run away in a step, and leaves a file in its place, or nothing."""

    def __init__(self, run, step, leave_a_file):
        self.run, self.step, self.leave_a_file = run, step, leave_a_file

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            self.run.rename(self.run.with_name("away"))
            if self.leave_a_file:
                self.run.touch()


def test_a_folder_that_cannot_be_written_any_more_loses_nothing(folder, tmp_path):
    build("classification", folder, tmp_path / "whole").train()
    recipe, run = build("classification", folder, tmp_path / "run"), tmp_path / "run"
    recipe.callbacks.append(Vanish(run, 7, leave_a_file=True))
    with pytest.raises(OutputError, match=r"step 8 could not be written.*Not a directory.*--resume"):
        recipe.train()
    run.unlink()
    (tmp_path / "away").rename(run)
    assert newest_whole(run)[0].name == "checkpoint-4"
    build("classification", folder, run).train(resume=True)
    assert_same(run, tmp_path / "whole")


def test_a_folder_that_vanishes_is_made_anew(folder, tmp_path):
    """The best checkpoint may have gone with it, which is said."""
    build("classification", folder, tmp_path / "whole", load_best_model_at_end=False).train()
    recipe, run = build("classification", folder, tmp_path / "run"), tmp_path / "run"
    assert recipe.args.load_best_model_at_end
    recipe.callbacks.append(Vanish(run, 7, leave_a_file=False))
    report = recipe.train()
    assert newest_whole(tmp_path / "away")[0].name == "checkpoint-4"
    assert any("those of step 4, whose checkpoint is gone: the last were saved" in one for one in report.notes)
    assert report.result == report.scores[-1]
    assert any("how far weights moved is not told: the weights of the start are gone" in one for one in report.notes)
    (weights, *told, _), (expected, *others, _) = outcome(run), outcome(tmp_path / "whole")
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    assert told == others


def test_a_model_that_cannot_be_saved_is_not_trained_again(folder, tmp_path, monkeypatch):
    recipe = build("classification", folder, tmp_path / "run")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(recipe), "save_model", full)
    with pytest.raises(OutputError, match=r"could not be written.*No space.*last whole checkpoint is.*--resume"):
        recipe.train()
    monkeypatch.undo()
    recipe = build("classification", folder, tmp_path / "run")
    assert recipe.train(resume=True).scores
    assert recipe.trainer.training_seconds == 0


def start(name, folder, output_dir, *flags):
    command = [sys.executable, str(SCRIPT), name, str(folder), str(output_dir), *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_exit_code_of_a_signal(folder, tmp_path):
    child = start("classification", folder, tmp_path / "run")
    while not list((tmp_path / "run").glob("checkpoint-*")):
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.02)
    child.send_signal(signal.SIGTERM)
    told, errors = child.communicate(timeout=60)
    assert child.returncode == 128 + signal.SIGTERM, errors
    assert "--resume" in told


@pytest.mark.slow
def test_killed_at_random_moments(folder, tmp_path):
    """SIGKILL, also while a checkpoint is written."""
    build("classification", folder, tmp_path / "whole").train()
    chance, kills = random.Random(0), 0
    while kills < 8:
        child = start("classification", folder, tmp_path / "run", "--resume")
        child.stdout.readline()
        if kills % 2:
            until = time.monotonic() + chance.uniform(0.1, 2.0)
            while time.monotonic() < until and child.poll() is None:
                time.sleep(0.005)
        else:
            while not (tmp_path / "run" / ".saving").exists() and child.poll() is None:
                time.sleep(0.0005)
            time.sleep(chance.uniform(0, 0.02))
        child.kill()
        child.communicate()
        kills += 1
        if child.returncode == 0:
            break
    build("classification", folder, tmp_path / "run").train(resume=True)
    assert_same(tmp_path / "run", tmp_path / "whole")
