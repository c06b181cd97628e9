"""Kill a training many times, at random moments and while it saves, and compare it with an uninterrupted run.

    python benchmarks/kills.py --kills 50

The training is `examples/finetune_classification.py` on the bundled sample, with a checkpoint in each step. Half of the
kills (SIGKILL) come at a random moment, half while a checkpoint is being written. Weights, logs and scores must be
equal to the last bit.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file

from bert_finetune_kit import RunReport
from bert_finetune_kit.runs.checkpoints import MANIFEST

EXAMPLE = Path(__file__).parent.parent / "examples" / "finetune_classification.py"
FLAGS = (
    "--num_train_epochs 5 --save_strategy steps --save_steps 1 --eval_strategy steps --eval_steps 1 --logging_steps 7 "
    "--max_validation_examples 40"
)


def start(folder: Path) -> subprocess.Popen:
    command = [sys.executable, str(EXAMPLE), *FLAGS.split(), "--output_dir", str(folder), "--resume"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(child: subprocess.Popen, happens, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and child.poll() is None and not happens():
        time.sleep(0.0005)


def checkpoints(run: Path) -> set[str]:
    return {folder.name for folder in run.glob("checkpoint-*")}


def is_saving(run: Path) -> bool:
    """Whether a checkpoint is being written: its manifest is written last."""
    return any(not (folder / MANIFEST).exists() for folder in run.glob("checkpoint-*"))


def has_changed(run: Path, known: set[str]) -> bool:
    return checkpoints(run) != known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder, chance = Path(tempfile.mkdtemp()), random.Random(options.seed)
    whole, run = folder / "whole", folder / "run"
    assert start(whole).wait() == 0
    kills = while_saving = 0
    while kills < options.kills:
        child = start(run)
        wait_for(child, partial(has_changed, run, checkpoints(run)), 60)  # it has resumed
        if chance.random() < 0.5:
            wait_for(child, partial(is_saving, run), 60)
            time.sleep(chance.uniform(0, 0.03))
        else:
            wait_for(child, lambda: False, chance.uniform(0, 1.5))
        while_saving += is_saving(run)
        if child.poll() is not None:
            break
        child.kill()
        child.wait()
        kills += 1
        print(f"kill {kills} of {options.kills}:", *sorted(checkpoints(run)), flush=True)
    finished = start(run).wait() == 0
    killed, expected = (load_file(output / "model.safetensors") for output in (run, whole))
    reports = [RunReport.load(output) for output in (run, whole)]
    logs = [
        [{k: v for k, v in log.items() if k != "tokens_per_second"} for log in report.history] for report in reports
    ]
    print(f"{kills} kills, {while_saving} of them while a checkpoint was written; finished: {finished}")
    print(f"weights equal: {all(torch.equal(killed[name], expected[name]) for name in expected)}")
    print(f"logs equal: {logs[0] == logs[1]}; scores equal: {reports[0].scores == reports[1].scores}")


if __name__ == "__main__":
    main()
