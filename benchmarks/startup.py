"""From launch to the first optimizer step: seconds until each stage is reached, with an empty and with a filled cache.

    python benchmarks/startup.py --recipe classification --train GLUE/sst2/train.parquet --model FOLDER
    python benchmarks/startup.py --recipe question_answering --train train-v2.0.json --model FOLDER
    python benchmarks/startup.py --recipe pretraining --train text.txt --model FOLDER --tokenizer vocab.txt

Every run is a process of its own. The floor is a process that imports `transformers.Trainer` and nothing else. "Cold"
starts with an empty cache of features, "warm" with that of the run before.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from sides import compare

FLOOR = "from transformers import Trainer"
IMPORT = "import bert_finetune_kit"


def first_step(options: argparse.Namespace) -> None:
    """Train until the first step is done, and leave at once."""
    from transformers import TrainerCallback

    from bert_finetune_kit import ClassificationRecipe, ClassificationTask, PretrainRecipe, QARecipe

    class Leave(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            os._exit(0)

    kinds = {"classification": ClassificationRecipe, "question_answering": QARecipe, "pretraining": PretrainRecipe}
    kind = kinds[options.recipe]
    args = kind.default_args(
        tempfile.mkdtemp(), max_steps=1000, eval_strategy="no", save_strategy="no", disable_tqdm=True
    )
    what = [options.train]
    if options.recipe == "classification":
        what = [ClassificationTask("benchmark", text=options.text, label=options.label), options.train]
    kind(*what, model=options.model, tokenizer=options.tokenizer, args=args, callbacks=[Leave()]).train()


def seconds_of(command: list[str], cache: str) -> float:
    """Run a command in a process of its own, and return how long it took."""
    environment = os.environ | {"HF_DATASETS_CACHE": cache}
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=("classification", "question_answering", "pretraining"), required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--model", required=True, help="checkpoint, or a size by name")
    parser.add_argument("--tokenizer", help="where the checkpoint has none")
    parser.add_argument("--text", default="sentence", help="column of the text (classification)")
    parser.add_argument("--label", default="label", help="column of the label (classification)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        first_step(options)
        return
    child = [__file__, *sys.argv[1:], "--child"]
    warm = tempfile.mkdtemp()
    seconds_of(child, warm)
    sides: dict[str, Callable[[], float]] = {
        FLOOR: lambda: seconds_of(["-c", FLOOR], warm),
        IMPORT: lambda: seconds_of(["-c", IMPORT], warm),
        "first step, cold": lambda: seconds_of(child, tempfile.mkdtemp()),
        "first step, warm": lambda: seconds_of(child, warm),
    }
    compare(sides, options.repeats, "s", f"{options.recipe}: from launch")


if __name__ == "__main__":
    main()
