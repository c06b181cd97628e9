"""Integrations of the Trainer's `report_to` get what the kit logs: TensorBoard, and a stand-in for all others."""

import json
import math
from pathlib import Path
from typing import ClassVar

import pytest
from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, rewrite_logs

from bert_finetune_kit import PretrainConfig


class Tracker(TrainerCallback):
    """Records what an experiment tracker such as `WandbCallback` gets."""

    made: ClassVar[list] = []

    def __init__(self):
        self.made.append(self)
        self.scalars, self.settings, self.events = [], {}, []

    def on_train_begin(self, args, state, control, model=None, **_):
        self.settings = json.loads(json.dumps({**model.config.to_dict(), **args.to_sanitized_dict()}))
        self.events.append("begin")

    def on_log(self, args, state, control, logs=None, **_):
        self.scalars.append((state.global_step, rewrite_logs(logs)))

    def on_train_end(self, args, state, control, **_):
        self.events.append("end")


def test_an_experiment_tracker_gets_plain_numbers(make_recipe, monkeypatch):
    monkeypatch.setitem(INTEGRATION_TO_CALLBACK, "tracker", Tracker)
    monkeypatch.setattr(Tracker, "made", [])
    report = make_recipe(report_to=["tracker"], logging_steps=1, eval_strategy="steps", eval_steps=2).train()
    (tracker,) = Tracker.made
    assert tracker.events == ["begin", "end"]
    assert tracker.settings["max_steps"] == 4
    for _, logs in tracker.scalars:
        assert all(isinstance(value, int | float) and math.isfinite(value) for value in logs.values()), logs
    logged = {(step, name): value for step, logs in tracker.scalars for name, value in logs.items()}
    for row in report.history:
        for name in ("loss", "learning_rate", "grad_norm", "tokens_per_second"):
            assert logged[row["step"], f"train/{name}"] == row[name]
    for row in report.scores:
        assert logged[row["step"], "eval/perplexity"] == row["perplexity"]
    assert [row["step"] for row in report.scores] == [2, 4]


def test_tensorboard(make_recipe):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    recipe = make_recipe(
        report_to=["tensorboard"], logging_steps=1, recipe=PretrainConfig(objective="none"), eval_strategy="epoch"
    )
    report = recipe.train()
    (folder,) = Path(recipe.output_dir, "runs").iterdir()
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [
        (row["step"], pytest.approx(row["loss"])) for row in report.history
    ]
    assert {"train/tokens_per_second", "train/learning_rate", "train/grad_norm"} <= set(events.Tags()["scalars"])
    assert events.Scalars("eval/perplexity")[-1].value == pytest.approx(report.result["perplexity"])
