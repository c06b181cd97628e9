"""Does the kit work on this GPU, are its results right, and how fast is it? Needs no network.

    python benchmarks/gpu.py [--part NAME …] [--data FOLDER] [--minutes 8] [--tables FOLDER] [--device cuda|cpu]

Each check prints a line with its name and PASS, FAIL or a figure. A check that fails does not stop the others; the exit
code then is 1. The table at the end is for docs/benchmarks.md. FOLDER holds vocab.txt, sst2.parquet (columns sentence
and label), squad.json (nested, as SQuAD is published) and text.txt; by default they are made from the bundled sample.
A part measures nothing new once its own minutes are over, or those of --minutes. With --device cpu the same code runs
on a tiny model.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import target_folder  # noqa: F401  first, since it changes where packages are found
import torch
import transformers
from gpu_correctness import run_attention, run_parity, run_synchronizations
from gpu_inference import run_inference
from gpu_launch import run_launch, run_processes
from gpu_recipes import run_recipes, run_resume
from gpu_setup import Checks, Setup, write_sample
from gpu_throughput import run_compiled, run_large, run_throughput
from transformers import BertConfig


@dataclass(frozen=True)
class Part:
    """Checks that belong together."""

    run: Callable[[Setup], None]
    minutes: float
    """After which it begins no further measurement."""


PARTS = {
    "parity": Part(run_parity, 0.7),
    "attention": Part(run_attention, 0.5),
    "synchronizations": Part(run_synchronizations, 0.7),
    "recipes": Part(run_recipes, 1.3),
    "resume": Part(run_resume, 0.7),
    "launch": Part(run_launch, 1.5),
    "processes": Part(run_processes, 0.7),
    "throughput": Part(run_throughput, 2.5),
    "inference": Part(run_inference, 0.5),
    "compiled": Part(run_compiled, 2.0),
    "large": Part(run_large, 1.0),
}
"""In this order: whether the results are right comes before how fast they are."""


def run_parts(setup: Setup, names: list[str]) -> None:
    for name, part in PARTS.items():
        if name not in names:
            continue
        if setup.is_over:
            setup.checks.record(name, "not begun: time limit (--minutes) reached")
            continue
        part.run(replace(setup, deadline=min(setup.deadline, time.perf_counter() + 60 * part.minutes)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to run; all by default")
    parser.add_argument("--data", type=Path, help="folder of vocab.txt, sst2.parquet, squad.json and text.txt")
    parser.add_argument("--minutes", type=float, default=8, help="of all parts together")
    parser.add_argument("--tables", type=Path, help="write here what traced steps took, by operation and kernel")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    deadline = time.perf_counter() + 60 * options.minutes
    config = BertConfig()
    if options.device == "cpu":
        config = BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128)
    with tempfile.TemporaryDirectory() as work:
        data = options.data or Path(work)
        if options.data is None:
            write_sample(data)
        config.vocab_size = len((data / "vocab.txt").read_text("utf-8").splitlines())
        setup = Setup(Checks(), options.device, config, data, Path(work), deadline, options.tables)
        name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        setup.checks.record("machine", f"{name}, {versions}")
        run_parts(setup, options.part)
    print("\n| check | result |\n| --- | --- |")
    for name, value in setup.checks.results:
        print(f"| {name} | {value} |")
    sys.exit(setup.checks.failed)


if __name__ == "__main__":
    main()
