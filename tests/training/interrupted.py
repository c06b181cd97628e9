"""Train a small recipe with dropout, to be stopped and killed by `test_interrupted.py`.

python interrupted.py RECIPE MODEL_FOLDER OUTPUT_DIR [--resume] [--stop STEP] [--settings JSON]

With `--stop` the last of its processes gets a SIGTERM in that step.
"""

import argparse
import json
import os
import signal
import sys

import torch
from transformers import AutoConfig, TrainerCallback

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    LabelledSource,
    PretrainConfig,
    PretrainRecipe,
    QAConfig,
    QARecipe,
    QuestionSource,
    RunStopped,
    TextSource,
)

RECIPES = {
    "pretraining": (PretrainRecipe, {"source": TextSource(max_documents=20), "config": PretrainConfig(max_length=48)}),
    "classification": (
        ClassificationRecipe,
        {
            "source": LabelledSource(max_train_examples=90, max_validation_examples=20),
            "config": ClassificationConfig(max_length=48),
        },
    ),
    "question_answering": (
        QARecipe,
        {
            "source": QuestionSource(max_train_examples=60, max_validation_examples=20),
            "config": QAConfig(max_length=96, doc_stride=16, max_question_length=24),
        },
    ),
}
# Checkpoints and logs do not fall together, and steps are of two batches.
SETTINGS = {
    "num_train_epochs": 3, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "learning_rate": 1e-3,
    "save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps", "eval_steps": 4, "logging_steps": 3,
    "use_cpu": True, "disable_tqdm": True,
}  # fmt: skip


class Signal(TrainerCallback):
    """Sends this process a signal in a step: before the optimizer's part of it, while evaluating, or while saving."""

    def __init__(self, step, moment="step", number=signal.SIGTERM):
        self.step, self.moment, self.number = step, moment, number

    def _send(self, moment, step):
        if moment == self.moment and step == self.step:
            os.kill(os.getpid(), self.number)

    def on_pre_optimizer_step(self, args, state, control, **_):
        self._send("step", state.global_step + 1)

    def on_prediction_step(self, args, state, control, **_):
        self._send("evaluation", state.global_step)

    def on_save(self, args, state, control, **_):
        self._send("saving", state.global_step)


def build(name, folder, output_dir, lora=None, **settings):
    """Return the recipe."""
    kind, given = RECIPES[name]
    args = kind.default_args(str(output_dir), **(SETTINGS | settings))
    adapters = {} if lora is None else {"lora": lora}
    return kind(model=AutoConfig.from_pretrained(folder), tokenizer=str(folder), args=args, **given, **adapters)


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
