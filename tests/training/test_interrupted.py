"""A run that is stopped or killed and goes on gives what an undisturbed one gives, to the last bit."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from interrupted import RECIPES, build
from safetensors.torch import load_file
from transformers import TrainerCallback

from bert_finetune_kit import OutputError, RunReport, RunStopped
from bert_finetune_kit.training.checkpoints import newest_whole

SCRIPT = Path(__file__).parent / "interrupted.py"
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


class Signal(TrainerCallback):
    """Sends this process a signal in a step."""

    def __init__(self, step, number=signal.SIGTERM):
        self.step, self.number = step, number

    def on_pre_optimizer_step(self, args, state, control, **_):
        if state.global_step + 1 == self.step:
            os.kill(os.getpid(), self.number)


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
    ],
)
def test_other_settings_are_refused(folder, tmp_path, changed, said):
    recipe = build("classification", folder, tmp_path / "run")
    recipe.callbacks.append(Signal(5))
    with pytest.raises(RunStopped):
        recipe.train()
    with pytest.raises(OutputError, match=said):
        build("classification", folder, tmp_path / "run", **changed).train(resume=True)


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
