"""Do the example scripts run as they are launched, and do two processes on one card compute what one does?"""

import json
import os
import subprocess
import sys
from pathlib import Path

from gpu_setup import Setup
from transformers import BertConfig, BertForPreTraining

from bert_finetune_kit import train_wordpiece
from bert_finetune_kit.data.sample import sample_documents

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ("pretrain", "finetune_classification", "finetune_qa")
_LAUNCH = [sys.executable, "-m", "accelerate.commands.launch"]
_SECONDS = 240


def run_launch(setup: Setup) -> None:
    """Launch each example with the file of the device, on the bundled sample."""
    file = ROOT / "accelerate_configs" / ("cpu.yaml" if setup.on_cpu else "single_gpu.yaml")
    for example in EXAMPLES:
        if setup.is_over:
            setup.checks.record(f"launch {example}", "not begun: the minutes of this part are over")
            continue
        with setup.checks.check(f"launch {example}, {file.name}"):
            folder = setup.work / f"launched-{example}"
            words = [*_LAUNCH, "--config_file", str(file), "--num_cpu_threads_per_process", "2"]
            wait([start([*words, *script(example, folder, setup, 12)])])
            assert json.loads((folder / "report.json").read_text("utf-8"))["result"], "the report has no scores"


def run_processes(setup: Setup) -> None:
    """Train in one process, and in two that share the card and talk by gloo, which NCCL refuses."""
    with setup.checks.check("two processes on one card"):
        losses = []
        for count, batch in ((1, 8), (2, 4)):
            folder = setup.work / f"processes-{count}"
            words, ranks = [sys.executable, *script("finetune_classification", folder, setup, batch)], [{}]
            if count > 1:
                words += ["--ddp_backend", "gloo"]
                # Each process takes the card of its LOCAL_RANK, and there is one.
                shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29611", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
                ranks = [shared | {"RANK": str(rank)} for rank in range(count)]
            wait([start(words, **rank) for rank in ranks])
            history = json.loads((folder / "report.json").read_text("utf-8"))["history"]
            losses.append([row["loss"] for row in history if "loss" in row])
        differences = [abs(one - two) / one for one, two in zip(*losses, strict=True)]
        assert max(differences) < 1e-3, f"losses differ by {max(differences):.1e} of theirs"
        setup.checks.record("two processes on one card, losses", f"largest relative difference {max(differences):.0e}")


def script(example: str, folder: Path, setup: Setup, batch: int) -> list[str]:
    """Return an example and its flags: a few steps of a tiny model without dropout, which processes draw apart."""
    model = setup.work / "without-dropout"
    if not model.exists():
        tokenizer = train_wordpiece((line for text in sample_documents("train") for line in text), 2000)
        tokenizer.save_pretrained(model)
        config = BertConfig(
            vocab_size=len(tokenizer), hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=512, hidden_dropout_prob=0, attention_probs_dropout_prob=0,
        )  # fmt: skip
        BertForPreTraining(config).save_pretrained(model)
    device = ["--use_cpu"] if setup.on_cpu else []
    return [
        str(ROOT / "examples" / f"{example}.py"), *device, "--output_dir", str(folder), "--model", str(model),
        "--tokenizer", str(model), "--max_steps", "8", "--logging_steps", "1", "--learning_rate", "1e-4",
        "--per_device_train_batch_size", str(batch), "--disable_tqdm", "true",
    ]  # fmt: skip


def start(words: list[str], **environment: str) -> subprocess.Popen[str]:
    """Start a process that finds packages as this one does."""
    found = os.pathsep.join([str(ROOT), *(path for path in sys.path if path)])
    return subprocess.Popen(
        words, env=os.environ | {"PYTHONPATH": found, "OMP_NUM_THREADS": "2"} | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait(processes: list[subprocess.Popen[str]]) -> None:
    """Wait until all have ended; the first that fails ends the others."""
    try:
        for process in processes:
            output, _ = process.communicate(timeout=_SECONDS)
            assert process.returncode == 0, f"exit code {process.returncode}: {output[-1500:]}"
    finally:
        for process in processes:
            process.kill()
