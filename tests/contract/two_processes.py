"""Train one step of each recipe on each architecture under a launcher, and save the gradients.

python two_processes.py FOLDER CASE…, where a case is MODEL_TYPE/RECIPE and FOLDER/MODEL_TYPE has config and tokenizer
"""

import os
import sys
from pathlib import Path

import one_step
import torch


def main():
    folder, *cases = sys.argv[1:]
    torch.set_num_threads(1)
    for case in cases:
        model_type, recipe = case.split("/")
        results = one_step.train(recipe, Path(folder, model_type), Path(folder, "two", case), 8, 1, 1)
        if int(os.environ["RANK"]) == 0:
            torch.save(results, Path(folder, f"{model_type}-{recipe}.pt"))


if __name__ == "__main__":
    main()
