"""Train many times in one process, and watch its memory: nothing may be kept from run to run.

    python benchmarks/soak.py --minutes 30

Each of the three recipes in turn, on the bundled sample, for a few steps, with evaluation, checkpoint and report.
Memory is what is resident after each round and a garbage collection; the trend is the slope of a straight line through
the second half of the rounds.
"""

import argparse
import gc
import io
import shutil
import tempfile
import time
from contextlib import redirect_stdout

import numpy as np
import psutil
from transformers import BertConfig

from bert_finetune_kit import ClassificationRecipe, PretrainRecipe, QARecipe

KINDS = (PretrainRecipe, ClassificationRecipe, QARecipe)
SETTINGS = {
    "max_steps": 4, "save_strategy": "steps", "save_steps": 2, "eval_strategy": "steps", "eval_steps": 4,
    "load_best_model_at_end": False, "disable_tqdm": True,
}  # fmt: skip


def train_each(config: BertConfig) -> None:
    for kind in KINDS:
        folder = tempfile.mkdtemp()
        args = kind.default_args(folder, sample=True, **SETTINGS)
        with redirect_stdout(io.StringIO()):
            kind(model=config, args=args).train()
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    options = parser.parse_args()
    config = BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128)
    process, rounds, began = psutil.Process(), [], time.monotonic()
    while time.monotonic() - began < 60 * options.minutes:
        train_each(config)
        gc.collect()
        rounds.append(process.memory_info().rss / 1e6)
        print(f"round {len(rounds)}: {rounds[-1]:,.0f} MB, {len(process.open_files())} open files", flush=True)
    late = np.array(rounds[len(rounds) // 2 :])
    slope = np.polyfit(np.arange(len(late)), late, 1)[0] if len(late) > 1 else 0.0
    print(
        f"{len(KINDS) * len(rounds)} trainings; {late.min():,.0f} to {late.max():,.0f} MB in the second half, "
        f"{slope:+.2f} MB a round"
    )


if __name__ == "__main__":
    main()
