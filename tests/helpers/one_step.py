"""Train a few steps at a learning rate of 0, and save the last gradient: under a launcher, or called by a test.

python one_step.py RECIPE MODEL_FOLDER GRADIENT_FILE BATCH ACCUMULATION STEPS
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from small_recipes import build
from transformers import AutoConfig, TrainerCallback

from bert_finetune_kit import (
    ClassificationConfig,
    LabelledSource,
    PretrainConfig,
    QAConfig,
    QuestionSource,
    TextSource,
)
from bert_finetune_kit.modeling.architecture import pair_faults

# A number of examples that batches do not divide; texts in windows, and labels of different weight.
DATA = {
    "pretraining": (TextSource(max_documents=10), PretrainConfig()),
    "classification": (
        LabelledSource(max_train_examples=27, max_validation_examples=13),
        ClassificationConfig(max_length=24, stride=4, class_weights=[0.5, 2.0]),
    ),
    "question_answering": (
        QuestionSource(max_train_examples=27, max_validation_examples=30),
        QAConfig(max_length=128, doc_stride=16, max_question_length=24),
    ),
}


class Record(TrainerCallback):
    """Records the gradient of the last step, and every loss."""

    def __init__(self):
        self.losses = []

    def on_pre_optimizer_step(self, args, state, control, model=None, **_):
        gradients = {name.removeprefix("module."): p.grad for name, p in model.named_parameters()}
        self.gradients = {name: value.clone() for name, value in gradients.items() if value is not None}

    def on_log(self, args, state, control, logs=None, **_):
        if "loss" in logs:
            self.losses.append(logs["loss"])


def train(name, folder, output_dir, batch, accumulation, steps):
    """Return the last gradient by parameter, all losses, the scores, and the number of examples."""
    source, config = DATA[name]
    if name == "pretraining" and pair_faults(AutoConfig.from_pretrained(folder), config.objective):
        config = replace(config, objective="none")
    recipe = build(
        name, folder, output_dir, source=source, config=config, per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulation, max_steps=steps, learning_rate=0.0, max_grad_norm=0.0,
        logging_steps=1, save_strategy="no", eval_strategy="no", load_best_model_at_end=False,
    )  # fmt: skip
    record = Record()
    recipe.callbacks.append(record)
    prepared = recipe.prepare()
    trainer = recipe.fit(prepared).trainer
    scores = trainer.evaluate()  # every process has a part of the examples
    examples = len(prepared.data.train)
    return {"gradients": record.gradients, "losses": record.losses, "scores": scores, "examples": examples}


def difference(gradients, expected):
    """Return the norm of the difference of two gradients, as a share of the norm of the second one."""
    differences = torch.stack([(gradients[name] - value).norm() for name, value in expected.items()])
    return float(differences.norm() / torch.stack([value.norm() for value in expected.values()]).norm())


def main() -> None:
    name, folder, file, *numbers = sys.argv[1:]
    torch.set_num_threads(1)
    results = train(name, folder, Path(file).parent / "run", *map(int, numbers))
    if int(os.environ.get("RANK", 0)) == 0:
        torch.save(results, file)


if __name__ == "__main__":
    main()
