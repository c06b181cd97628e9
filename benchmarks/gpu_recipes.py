"""Do the recipes train, predict and resume on this GPU?"""

import contextlib
from pathlib import Path
from typing import Any

import torch
from gpu_setup import Interrupted, Setup
from safetensors.torch import load_file
from transformers import TrainerCallback

from bert_finetune_kit import (
    ClassificationRecipe,
    LabelledSource,
    PretrainRecipe,
    QARecipe,
    QuestionSource,
    TextSource,
)

PRECISIONS: tuple[dict[str, bool], ...] = ({}, {"bf16": True})
SHORT = {
    ClassificationRecipe: LabelledSource(max_train_examples=400, max_validation_examples=100),
    PretrainRecipe: TextSource(max_documents=40),
    QARecipe: QuestionSource(max_train_examples=200, max_validation_examples=100),
}


class DeviceProbe(TrainerCallback):
    """Keeps the type of the device that the model was trained on."""

    def on_train_begin(self, args, state, control, model=None, **_):
        self.device = model.device.type


def check_recipe(setup: Setup, recipe_class: Any, precision: dict[str, bool]) -> None:
    """Train a recipe as a user does, load what it saved, and predict."""
    folder, probe = setup.work / "-".join([recipe_class.name, *precision]), DeviceProbe()
    settings = setup.trainer_settings(max_steps=12, **precision)
    args = recipe_class.default_args(str(folder), model="tiny", sample=True, **settings)
    report = recipe_class(source=SHORT[recipe_class], model="tiny", args=args, callbacks=[probe]).train()
    assert report.result, "the report has no scores"
    assert probe.device == setup.device, f"trained on {probe.device}"
    if recipe_class is ClassificationRecipe:
        assert recipe_class.from_pretrained(folder).predict(["a fine day"])
    elif recipe_class is QARecipe:
        assert recipe_class.from_pretrained(folder).predict(question="Who?", context="Ann was there.")


class InterruptAt(TrainerCallback):
    """Ends a training after a step."""

    def __init__(self, step: int | None) -> None:
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            raise Interrupted


def check_resume(setup: Setup, precision: dict[str, bool]) -> None:
    """Compare the weights of a training that was interrupted and resumed with those of one that was not."""
    runs = [setup.work / "-".join([name, *precision]) for name in ("uninterrupted", "resumed")]

    def train(folder: Path, interrupt_at: int | None = None, resume: bool = False) -> None:
        settings = setup.trainer_settings(max_steps=16, load_best_model_at_end=False, **precision)
        settings |= {"save_strategy": "steps", "save_steps": 8}
        args = ClassificationRecipe.default_args(str(folder), model="tiny", sample=True, **settings)
        callbacks, source = [InterruptAt(interrupt_at)], SHORT[ClassificationRecipe]
        ClassificationRecipe(source=source, model="tiny", args=args, callbacks=callbacks).train(resume=resume)

    train(runs[0])
    with contextlib.suppress(Interrupted):
        train(runs[1], interrupt_at=11)
    train(runs[1], resume=True)
    weights, resumed = (load_file(run / "model.safetensors") for run in runs)
    different = [name for name in weights if not torch.equal(weights[name], resumed[name])]
    assert not different, f"weights differ: {', '.join(different)}"


def run_recipes(setup: Setup) -> None:
    for precision in PRECISIONS:
        for recipe_class in SHORT:
            with setup.checks.check(f"recipe {recipe_class.name} {next(iter(precision), 'fp32')}"):
                check_recipe(setup, recipe_class, precision)


def run_resume(setup: Setup) -> None:
    for precision in PRECISIONS:
        with setup.checks.check(f"exact resume {next(iter(precision), 'fp32')}"):
            check_resume(setup, precision)
