"""Recipes of each kind on the bundled sample that train in a second or two, and what their runs must have in common."""

import os
import signal
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, BertConfig, TrainerCallback

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    LabelledSource,
    PretrainConfig,
    PretrainRecipe,
    QAConfig,
    QARecipe,
    QuestionSource,
    RunReport,
    TextSource,
)

KINDS = {"pretraining": PretrainRecipe, "classification": ClassificationRecipe, "question_answering": QARecipe}
SOURCES = {
    "pretraining": TextSource(max_documents=10),
    "classification": LabelledSource(max_train_examples=45, max_validation_examples=20),
    "question_answering": QuestionSource(max_train_examples=35, max_validation_examples=20),
}
CONFIGS = {
    "pretraining": PretrainConfig(max_length=48),
    "classification": ClassificationConfig(max_length=48),
    "question_answering": QAConfig(max_length=96, doc_stride=16, max_question_length=24),
}
# Six or seven steps an epoch, each of two batches; checkpoints and logs do not fall together.
SETTINGS = {
    "num_train_epochs": 3, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "learning_rate": 1e-3,
    "save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps", "eval_steps": 4, "logging_steps": 3,
    "use_cpu": True, "disable_tqdm": True,
}  # fmt: skip
_ABOUT_THE_MACHINE = ("tokens_per_second",)


def small_config(tokenizer, dropout=0.0) -> BertConfig:
    """Return a BERT of two narrow layers."""
    return BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=128, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip


def build(name, model, output_dir, *, tokenizer=None, source=None, config=None, **settings):
    """Return a recipe that is not trained yet.

    Args:
        name: of the recipe.
        model: a folder, whose config stands for new weights and whose tokenizer is used; or a config.
        output_dir: of the run.
        tokenizer: where `model` is no folder.
        source: in place of the first rows of the sample.
        config: in place of short sequences.
        settings: for the Trainer, and `task`, `lora` and `callbacks` for the recipe.
    """
    kind = KINDS[name]
    further = {key: settings.pop(key) for key in ("task", "lora", "callbacks") if key in settings}
    if tokenizer is None:
        tokenizer, model = str(model), AutoConfig.from_pretrained(model)
    return kind(
        source=source or SOURCES[name], model=model, tokenizer=tokenizer, config=config or CONFIGS[name],
        args=kind.default_args(str(output_dir), **(SETTINGS | settings)), **further,
    )  # fmt: skip


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


def outcome(output_dir):
    """Return the weights of a finished run, and all of its figures that must not depend on how often it was resumed."""
    report = RunReport.load(output_dir)
    figures = {
        "history": [
            {key: value for key, value in log.items() if key not in _ABOUT_THE_MACHINE} for log in report.history
        ],
        **{name: getattr(report, name) for name in ("scores", "result", "intervals", "baselines", "details", "change")},
    }
    return load_file(Path(output_dir) / "model.safetensors"), figures


def assert_same(run, expected):
    """Check that two finished runs have the same weights to the last bit, and the same figures."""
    (weights, figures), (expected_weights, expected_figures) = outcome(run), outcome(expected)
    assert_same_weights(weights, expected_weights)
    assert figures == expected_figures


def assert_same_weights(weights, expected):
    """Check that two models have the same weights to the last bit."""
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
