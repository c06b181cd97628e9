"""A run that is stopped by a signal and resumed has the result of an uninterrupted one, to the last bit."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import interrupted
import pytest
import torch
from small_recipes import CONFIGS, KINDS, Signal, assert_same, build, outcome
from transformers import AutoConfig, AutoTokenizer, TrainerCallback

from bert_finetune_kit import RunReport, RunStopped
from bert_finetune_kit.runs.checkpoints import latest_valid_checkpoint

SCRIPT = Path(interrupted.__file__)
LAUNCH_CONFIG = Path(__file__).parents[2] / "accelerate_configs" / "multi_cpu.yaml"


def stop(name, model, output_dir, step, moment="step", resume=False, **settings):
    """Train until a signal stops the run in a step."""
    recipe = build(name, model, output_dir, **settings)
    recipe.callbacks.append(Signal(step, moment))
    with pytest.raises(RunStopped) as stopped:
        recipe.train(resume=resume)
    return stopped.value


def last_step(run):
    return max(log["step"] for log in RunReport.load(run).history)


def newest_checkpoint(run):
    return latest_valid_checkpoint(run)[0].name


@pytest.mark.parametrize(
    "name", [name if name == "classification" else pytest.param(name, marks=pytest.mark.slow) for name in KINDS]
)
def test_a_stopped_run_is_resumed(dropout_model, uninterrupted, tmp_path, name, capsys):
    """In mid-epoch, at the end of an epoch, and in the last step but one."""
    steps = last_step(uninterrupted(name))
    epoch = steps // 3
    assert steps == 3 * epoch
    for step in (2, epoch, epoch + 3, steps - 1):
        stopped = stop(name, dropout_model, tmp_path, step, resume=step > 2)
        assert f"SIGTERM at step {step} of {steps}" in str(stopped)
        assert "--resume" in str(stopped)
        assert stopped.signal == signal.SIGTERM
        assert newest_checkpoint(tmp_path) == f"checkpoint-{step}"
    build(name, dropout_model, tmp_path).train(resume=True)
    assert_same(tmp_path, uninterrupted(name))
    capsys.readouterr()
    report = build(name, dropout_model, tmp_path).train(resume=True)
    assert report == RunReport.load(tmp_path)
    assert "skipping training" in capsys.readouterr().out


@pytest.mark.slow
def test_each_epoch_is_evaluated_once(dropout_model, uninterrupted, tmp_path):
    """With an evaluation an epoch, a stop in mid-epoch adds none, and one at the end of an epoch drops none."""
    settings = {"eval_strategy": "epoch", "save_strategy": "epoch", "logging_strategy": "epoch"}
    expected = uninterrupted("classification", **settings)
    assert [row["epoch"] for row in RunReport.load(expected).scores] == [1, 2, 3]
    assert last_step(expected) == 18
    for step in (4, 12):
        stop("classification", dropout_model, tmp_path, step, resume=step > 4, **settings)
    build("classification", dropout_model, tmp_path, **settings).train(resume=True)
    assert_same(tmp_path, expected)


VARIATIONS = {
    "workers": {"dataloader_num_workers": 2},
    "bf16": {"bf16": True},
    "lora": {"lora": {"r": 2}},
    "one batch a step": {"gradient_accumulation_steps": 1},
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of workers, while other tests have left threads
@pytest.mark.parametrize(
    ("name", "variation"),
    [(name, variation) for name in KINDS for variation in VARIATIONS if (name, variation) != ("pretraining", "lora")],
)
def test_a_stopped_run_with_other_settings_is_resumed(dropout_model, uninterrupted, tmp_path, name, variation):
    settings = VARIATIONS[variation]
    expected = uninterrupted(name, **settings)
    for step in (3, last_step(expected) // 2 + 1):
        stop(name, dropout_model, tmp_path, step, resume=step > 3, **settings)
    build(name, dropout_model, tmp_path, **settings).train(resume=True)
    assert_same(tmp_path, expected)


@pytest.mark.parametrize(
    ("moment", "step", "settings"),
    [
        pytest.param("evaluation", 4, {}, id="evaluation in mid-epoch"),
        pytest.param(
            "saving", 6, {"eval_steps": 6, "save_steps": 6}, id="save at the end of an epoch", marks=pytest.mark.slow
        ),
    ],
)
def test_a_signal_during_an_evaluation_or_a_save(dropout_model, uninterrupted, tmp_path, moment, step, settings):
    """It takes effect after the next step."""
    stop("classification", dropout_model, tmp_path, step, moment, **settings)
    assert newest_checkpoint(tmp_path) == f"checkpoint-{step + 1}"
    build("classification", dropout_model, tmp_path, **settings).train(resume=True)
    assert_same(tmp_path, uninterrupted("classification", **settings))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "settings"),
    [(4, {"save_strategy": "best"}), (5, {"save_only_model": True})],
)
def test_what_was_trained_before_a_signal_is_saved(dropout_model, uninterrupted, tmp_path, step, settings):
    """Also after an evaluation that is no better, and where checkpoints have the weights alone."""
    settings = {"max_steps": 12, "eval_steps": 2, "save_steps": 2, "learning_rate": 0.05} | settings
    expected = uninterrupted("classification", **settings)
    stop("classification", dropout_model, tmp_path, step, **settings)
    assert newest_checkpoint(tmp_path) == f"checkpoint-{step}"
    assert (tmp_path / f"checkpoint-{step}" / "optimizer.pt").exists()
    build("classification", dropout_model, tmp_path, **settings).train(resume=True)
    assert_same(tmp_path, expected)


@pytest.mark.slow
def test_early_stopping_counts_on_after_a_resume(dropout_model, uninterrupted, tmp_path, monkeypatch):
    """Evaluations without a better score before a stop count, and a run that has ended early is not trained further."""
    config = replace(CONFIGS["classification"], early_stopping_patience=3)
    settings = {"config": config, "max_steps": 14, "eval_steps": 2, "save_steps": 2, "learning_rate": 0.05}
    expected = uninterrupted("classification", **settings)
    assert [row["step"] for row in RunReport.load(expected).scores] == [2, 4, 6, 8]  # the first is the best
    stop("classification", dropout_model, tmp_path, 7, **settings)
    recipe = build("classification", dropout_model, tmp_path, **settings)
    with monkeypatch.context() as patch:
        patch.setattr(type(recipe), "save_model", interrupt)
        with pytest.raises(KeyboardInterrupt):
            recipe.train(resume=True)
    build("classification", dropout_model, tmp_path, **settings).train(resume=True)
    assert_same(tmp_path, expected)


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_second_ctrl_c_ends_the_process_at_once(dropout_model, tmp_path):
    class Impatient(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, **_):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1.1)
            os.kill(os.getpid(), signal.SIGINT)

    recipe = build("classification", dropout_model, tmp_path / "run")
    recipe.callbacks.append(Impatient())
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        recipe.train()
    assert signal.getsignal(signal.SIGINT) is before


# In processes of their own


def start(*arguments):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_exit_code_of_a_signal(dropout_model, tmp_path):
    child = start("classification", dropout_model, tmp_path / "run")
    while not list((tmp_path / "run").glob("checkpoint-*")):
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.02)
    child.send_signal(signal.SIGTERM)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 128 + signal.SIGTERM, errors
    assert "--resume" in output


def launch(processes, *arguments):
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return subprocess.run(
        [sys.executable, *(launcher if processes > 1 else []), str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=240,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_two_processes_stop_together_and_are_resumed(dropout_model, tmp_path, name):
    """One of them gets the signal."""
    assert launch(2, name, dropout_model, tmp_path / "uninterrupted").returncode == 0
    done = launch(2, name, dropout_model, tmp_path / "stopped", "--stop", 5)
    assert done.returncode != 0
    assert newest_checkpoint(tmp_path / "stopped") == "checkpoint-5", done.stderr
    done = launch(2, name, dropout_model, tmp_path / "stopped", "--resume")
    assert done.returncode == 0, done.stderr
    assert_same(tmp_path / "stopped", tmp_path / "uninterrupted")


@pytest.mark.slow
def test_a_launcher_forwards_the_signal(dropout_model, tmp_path):
    """As a scheduler sends it to `accelerate launch`."""
    run = tmp_path / "stopped"
    command = ["-m", "accelerate.commands.launch", "--config_file", str(LAUNCH_CONFIG), str(SCRIPT)]
    launcher = subprocess.Popen(
        [sys.executable, *command, "classification", str(dropout_model), str(run)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    while not list(run.glob("checkpoint-*")):
        assert launcher.poll() is None, launcher.stderr.read()
        time.sleep(0.02)
    launcher.send_signal(signal.SIGTERM)
    launcher.communicate(timeout=120)
    assert launcher.returncode != 0
    assert not (run / "report.json").exists()
    checkpoint, skipped = latest_valid_checkpoint(run)
    assert checkpoint is not None
    assert not skipped
    assert launch(2, "classification", dropout_model, run, "--resume").returncode == 0
    assert launch(2, "classification", dropout_model, tmp_path / "uninterrupted").returncode == 0
    assert_same(run, tmp_path / "uninterrupted")


@pytest.mark.slow
def test_another_number_of_processes_trains_on_the_same_data(dropout_model, tmp_path):
    """Without dropout, which each process draws on its own, the weights are the same but for rounding."""
    folder, run = tmp_path / "model", tmp_path / "resumed"
    config = AutoConfig.from_pretrained(dropout_model)
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(dropout_model).save_pretrained(folder)
    build("classification", folder, tmp_path / "uninterrupted").train()
    assert launch(1, "classification", folder, run, "--stop", 5).returncode == 128 + signal.SIGTERM
    accumulation = '{"gradient_accumulation_steps": 1}'
    done = launch(2, "classification", folder, run, "--resume", "--settings", accumulation)
    assert done.returncode == 0, done.stderr
    (weights, _), (expected, _) = outcome(run), outcome(tmp_path / "uninterrupted")
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value, atol=2e-5, rtol=1e-3)
