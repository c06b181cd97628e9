"""Train a small recipe with dropout, to be stopped and killed by `test_interrupted.py`.

python interrupted.py RECIPE MODEL_FOLDER OUTPUT_DIR [--resume]
"""

import sys

import torch
from transformers import AutoConfig

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


def build(name, folder, output_dir, **settings):
    """Return the recipe."""
    kind, given = RECIPES[name]
    args = kind.default_args(str(output_dir), **(SETTINGS | settings))
    return kind(model=AutoConfig.from_pretrained(folder), tokenizer=str(folder), args=args, **given)


if __name__ == "__main__":
    torch.set_num_threads(1)
    recipe = build(*sys.argv[1:4])
    print("ready", flush=True)
    try:
        recipe.train(resume="--resume" in sys.argv)
    except RunStopped as stopped:
        print(stopped)
        sys.exit(128 + stopped.signal)
