"""Accelerate takes every launch file for what it says it is, and two processes train what one does."""

import json
import logging
import os
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import FullyShardedDataParallelPlugin
from accelerate.commands import launch
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import DistributedType
from accelerate.utils.launch import prepare_multi_gpu_env
from transformers import BertForPreTraining

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "accelerate_configs"
SCRIPT = str(ROOT / "examples" / "pretrain.py")
LAUNCHERS = ("simple_launcher", "multi_gpu_launcher", "tpu_launcher", "tpu_pod_launcher", "deepspeed_launcher")

# File → type, machines, processes, precision, and the function of Accelerate that starts the processes.
EXPECTED = {
    "cpu": (DistributedType.NO, 1, 1, "no", "simple_launcher"),
    "multi_cpu": (DistributedType.MULTI_GPU, 1, 2, "no", "multi_gpu_launcher"),
    "single_gpu": (DistributedType.NO, 1, 1, "bf16", "simple_launcher"),
    "multi_gpu": (DistributedType.MULTI_GPU, 1, 2, "bf16", "multi_gpu_launcher"),
    "multi_node": (DistributedType.MULTI_GPU, 2, 8, "bf16", "multi_gpu_launcher"),
    "fsdp": (DistributedType.FSDP, 1, 2, "bf16", "multi_gpu_launcher"),
    "tpu": (DistributedType.XLA, 1, 4, "no", "tpu_launcher"),
}


@pytest.fixture
def launched(monkeypatch):
    """Go through `accelerate launch` up to the start of processes: (function that would start them, its arguments)."""

    def run(name, *flags):
        calls = []
        for launcher in LAUNCHERS:
            monkeypatch.setattr(launch, launcher, lambda args, launcher=launcher: calls.append((launcher, args)))
        file = str(CONFIGS / f"{name}.yaml")
        launch.launch_command(launch.launch_command_parser().parse_args(["--config_file", file, *flags, SCRIPT]))
        assert len(calls) == 1
        return calls[0]

    return run


def test_every_file_is_tested():
    assert {file.stem for file in CONFIGS.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_accelerate_knows_every_key(name):
    config = load_config_from_file(str(CONFIGS / f"{name}.yaml"))  # raises on a key that it does not know
    kind, machines, processes, precision, _ = EXPECTED[name]
    assert config.distributed_type == kind
    assert (config.num_machines, config.num_processes, config.mixed_precision) == (machines, processes, precision)
    assert config.use_cpu == name.endswith("cpu")
    assert (config.main_process_ip is not None) == (machines > 1)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_file_says_for_whom_it_is(name):
    assert (CONFIGS / f"{name}.yaml").read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("name", EXPECTED)
def test_accelerate_launches_it(name, launched):
    _, machines, processes, precision, expected = EXPECTED[name]
    launcher, args = launched(name)
    assert launcher == expected
    assert (args.num_machines, args.num_processes, args.mixed_precision) == (machines, processes, precision)


def documented_commands():
    """Return the words of every command of the documents that Accelerate launches, without variables of a scheduler."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.py"))]
    lines = (line for page in pages for line in page.read_text("utf-8").replace("\\\n", " ").splitlines())
    commands = (line.strip().split("accelerate launch ", 1)[1] for line in lines if "accelerate launch --" in line)
    return [shlex.split(command.split("`")[0]) for command in commands if "$" not in command and "FILE" not in command]


@pytest.mark.parametrize("words", documented_commands(), ids=" ".join)
def test_a_documented_command_prints_no_warning_of_accelerate(words, launched, monkeypatch, caplog):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 16)
    monkeypatch.setattr(logging.getLogger("accelerate"), "propagate", True)
    place = next(place for place, word in enumerate(words) if word.endswith(".py"))
    config = words[: place + 1].index("--config_file") + 1
    assert Path(words[config]).parent == Path("accelerate_configs")
    launched(Path(words[config]).stem, *words[: config - 1], *words[config + 1 : place])
    assert caplog.records == []


@pytest.mark.parametrize(("name", "threads"), [("cpu", 16), ("multi_cpu", 8)])
def test_what_accelerate_says_on_cpus_without_a_number_of_threads(name, threads, launched, monkeypatch, caplog):
    """As the files say: it takes the physical cores, and warns."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 16)
    assert launched(name)[1].num_cpu_threads_per_process == threads
    assert "`--num_cpu_threads_per_process` was set to" in caplog.text
    caplog.clear()
    assert launched(name, "--num_cpu_threads_per_process", "3")[1].num_cpu_threads_per_process == 3
    assert caplog.text == ""


def test_a_flag_wins_over_the_file(launched):
    _, args = launched("multi_node", "--machine_rank", "1", "--num_processes", "4")
    assert (args.machine_rank, args.num_processes, args.main_process_port) == (1, 4, 29500)


def test_fsdp_shards_layers_and_saves_whole_checkpoints(launched, config, monkeypatch):
    _, args = launched("fsdp")
    given = load_config_from_file(str(CONFIGS / "fsdp.yaml")).fsdp_config
    known = vars(launch.launch_command_parser().parse_args([SCRIPT]))
    assert set(given) <= set(known)  # Accelerate passes over a key of this section that it does not know
    for name, value in prepare_multi_gpu_env(args).items():
        if "FSDP" in name:
            monkeypatch.setenv(name, value)
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    assert "FULL_STATE_DICT" in str(plugin.state_dict_type)
    model = BertForPreTraining(config)
    plugin.set_auto_wrap_policy(model)
    wrapped = {type(module).__name__ for module in model.modules() if plugin.auto_wrap_policy(module, False, 0)}
    assert wrapped == {"BertLayer"}


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda script: script.name)
def test_examples_have_the_function_that_a_tpu_calls(script):
    """On TPUs `accelerate launch` imports the script, which must not train yet, and calls this without arguments."""
    config = load_config_from_file(str(CONFIGS / "tpu.yaml"))
    assert callable(runpy.run_path(str(script), run_name="imported").get(config.main_training_function))


SMALL = ("--max_documents", 10)


@pytest.fixture
def train(config, tokenizer, tmp_path):
    """Launch an epoch from the same weights, without dropout, and return its report."""
    torch.manual_seed(0)
    BertForPreTraining(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    environment = os.environ | {"HF_DATASETS_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}

    def run(
        name, batch, script=SCRIPT, launch_flags=(), flags=("--use_cpu",), data=("--max_documents", 10), **variables
    ):
        folder = tmp_path / "-".join([name, *launch_flags])
        command = ["-m", "accelerate.commands.launch", "--config_file", CONFIGS / f"{name}.yaml", *launch_flags, script]
        flags = ["--model", tmp_path / "model", "--output_dir", folder, "--per_device_train_batch_size", batch, *flags]
        flags += [*data, "--num_train_epochs", 1, "--logging_steps", 1]
        done = subprocess.run(
            [sys.executable, *map(str, command), *map(str, flags)],
            cwd=ROOT,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.count("· step 1/") == 1  # one process prints
        assert done.stdout.count("report.json") == 1
        return json.loads((folder / "report.json").read_text("utf-8"))

    return run


def assert_same(report, other, rel, scores=("loss", "mlm_loss", "pair_loss")):
    for name in scores:
        assert report["scores"][-1][name] == pytest.approx(other["scores"][-1][name], rel=rel), name
    for name in ("loss", "grad_norm"):
        expected = pytest.approx([log[name] for log in other["history"]], rel=10 * rel)
        assert [log[name] for log in report["history"]] == expected, name
    moved, others = ([module["relative_change"] for module in one["change"]["modules"]] for one in (report, other))
    assert moved == [None if way is None else pytest.approx(way, rel=1e-2) for way in others]


@pytest.mark.slow
def test_two_processes_train_what_one_does(train):
    """A whole epoch, to its last batch, which is seldom full."""
    assert_same(train("multi_cpu", 3), train("cpu", 6), rel=1e-5)


@pytest.mark.slow
def test_two_processes_classify_what_one_does(train):
    """Neither the last batch of the training nor that of the evaluation is full."""
    script = ROOT / "examples" / "finetune_classification.py"
    both = {"script": script, "data": ("--max_train_examples", 40, "--max_validation_examples", 37)}
    one, two = train("cpu", 6, **both), train("multi_cpu", 3, **both)
    assert_same(two, one, rel=1e-5, scores=("loss", "accuracy", "f1"))
    assert two["details"]["validation"]["confusion"] == one["details"]["validation"]["confusion"]
    assert sum(map(sum, two["details"]["validation"]["confusion"])) == 37


@pytest.mark.slow
def test_two_processes_answer_what_one_does(train):
    """Neither the last batch of the training nor that of the evaluation is full."""
    script = ROOT / "examples" / "finetune_qa.py"
    both = {"script": script, "data": ("--max_train_examples", 40, "--max_validation_examples", 61)}
    one, two = train("cpu", 6, **both), train("multi_cpu", 3, **both)
    assert_same(two, one, rel=1e-5, scores=("loss", "exact", "f1", "threshold"))
    assert two["details"]["official"] == pytest.approx(one["details"]["official"], rel=1e-5)
    assert two["details"]["official"]["total"] == 61


# Accelerate offers FSDP for accelerators alone; told that CPUs are some, it runs the same code over gloo.
FSDP_ON_CPUS = """
import runpy
from accelerate.state import DistributedType, PartialState
PartialState._prepare_backend = lambda *_, **__: ("gloo", DistributedType.MULTI_GPU)
runpy.run_path("examples/pretrain.py", run_name="__main__")
"""


@pytest.mark.slow
def test_two_processes_that_share_the_weights_train_what_one_does(train, tmp_path):
    (tmp_path / "fsdp.py").write_text(FSDP_ON_CPUS, "utf-8")
    sharded = {"script": tmp_path / "fsdp.py", "flags": ("--use_cpu", "False"), "ACCELERATE_TORCH_DEVICE": "cpu"}
    one = train("cpu", 6)
    assert_same(train("fsdp", 3, launch_flags=("--mixed_precision", "no"), **sharded), one, rel=1e-5)
    assert_same(train("fsdp", 3, **sharded), one, rel=1e-3)  # in bf16
    for folder in ("fsdp", "fsdp---mixed_precision-no"):
        _, loading = BertForPreTraining.from_pretrained(tmp_path / folder, output_loading_info=True)
        assert not any(loading.values()), loading
