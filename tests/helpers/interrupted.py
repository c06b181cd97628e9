"""Train a small recipe with dropout in a process of its own, which tests stop and kill.

python interrupted.py RECIPE MODEL_FOLDER OUTPUT_DIR [--resume] [--stop STEP] [--settings JSON]

With `--stop` the last of its processes gets a SIGTERM in that step.
"""

import argparse
import json
import sys

import torch
from small_recipes import Signal, build

from bert_finetune_kit import RunStopped


def main():
    parser = argparse.ArgumentParser()
    for name in ("recipe", "folder", "output_dir"):
        parser.add_argument(name)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--stop", type=int)
    parser.add_argument("--settings", type=json.loads, default={})
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = build(options.recipe, options.folder, options.output_dir, **options.settings)
    if options.stop and recipe.args.process_index == recipe.args.world_size - 1:
        recipe.callbacks.append(Signal(options.stop))
    print("ready", flush=True)
    try:
        recipe.train(resume=options.resume)
    except RunStopped as stopped:
        print(stopped)
        sys.exit(128 + stopped.signal)


if __name__ == "__main__":
    main()
