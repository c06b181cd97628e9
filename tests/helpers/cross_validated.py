"""Cross-validate a small classifier, in one of several processes: python cross_validated.py MODEL FOLDER BATCH_SIZE."""

import sys

import torch
from small_recipes import build


def cross_validate(model, folder, batch_size):
    """Train two folds for two steps each.

    Args:
        model: folder of config and tokenizer.
        folder: of the folds.
        batch_size: of a process.
    """
    steps = {"max_steps": 2, "eval_steps": 2, "save_steps": 2, "warmup_steps": 0, "gradient_accumulation_steps": 1}
    recipe = build("classification", model, folder, per_device_train_batch_size=int(batch_size), **steps)
    return recipe.cross_validate(2)


if __name__ == "__main__":
    torch.set_num_threads(1)
    cross_validate(*sys.argv[1:])
