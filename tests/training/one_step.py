"""Train one step and save its gradient: run by `test_distributed.py`, alone or under a launcher.

python one_step.py RECIPE MODEL_FOLDER GRADIENT_FILE BATCH ACCUMULATION STEPS
"""

import sys
from pathlib import Path

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
    TextSource,
)

RECIPES = {
    "pretraining": (PretrainRecipe, {"source": TextSource(max_documents=10), "config": PretrainConfig()}),
    "classification": (
        ClassificationRecipe,
        {
            "source": LabelledSource(max_train_examples=27, max_validation_examples=13),
            "config": ClassificationConfig(max_length=24, stride=4, class_weights=[0.5, 2.0]),
        },
    ),
    "question_answering": (
        QARecipe,
        {
            "source": QuestionSource(max_train_examples=27, max_validation_examples=30),
            "config": QAConfig(max_length=128, doc_stride=16, max_question_length=24),
        },
    ),
}


class Keep(TrainerCallback):
    """Keeps the gradient of the last step, and every loss."""

    def __init__(self):
        self.losses = []

    def on_pre_optimizer_step(self, args, state, control, model=None, **_):
        self.gradients = {name.removeprefix("module."): p.grad.clone() for name, p in model.named_parameters()}

    def on_log(self, args, state, control, logs=None, **_):
        if "loss" in logs:
            self.losses.append(logs["loss"])


def main() -> None:
    name, folder, file, batch, accumulation, steps = sys.argv[1:]
    torch.set_num_threads(1)
    kind, settings = RECIPES[name]
    args = kind.default_args(
        str(Path(file).parent / "run"),
        per_device_train_batch_size=int(batch),
        gradient_accumulation_steps=int(accumulation),
        max_steps=int(steps),
        learning_rate=0.0,
        max_grad_norm=0.0,
        eval_strategy="no",
        save_strategy="no",
        logging_steps=1,
        use_cpu=True,
        load_best_model_at_end=False,
    )
    recipe = kind(model=AutoConfig.from_pretrained(folder), tokenizer=folder, args=args, **settings)
    keep = Keep()
    recipe.callbacks.append(keep)
    recipe.fit(recipe.prepared(), None)
    if recipe.trainer.is_world_process_zero():
        scores = recipe.trainer.state.log_history[-1]
        examples = len(recipe.prepared().train)
        torch.save({"gradients": keep.gradients, "losses": keep.losses, "scores": scores, "examples": examples}, file)


if __name__ == "__main__":
    main()
