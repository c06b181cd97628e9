"""Estimates of steps, time, disk and memory before a training, compared with the training."""

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from transformers import BertModel, TrainingArguments

from bert_finetune_kit import BuiltModel, ClassificationConfig, ClassificationRecipe, LabelledSource, OutputError
from bert_finetune_kit.training.preflight import (
    bytes_needed,
    describe_training,
    optimizer_steps,
    padding_share,
    precision_hint,
    preflight,
    seconds_a_step,
)

LENGTHS = np.array([3, 5, 8, 8, 2, 6])


class Examples:
    def __len__(self):
        return len(LENGTHS)

    def __getitem__(self, key):
        return LENGTHS[key[1]]


def collate(lengths):
    return {"attention_mask": (torch.arange(max(lengths)) < torch.tensor(np.array(lengths))[:, None]).long()}


def arguments(tmp_path, **settings):
    return TrainingArguments(output_dir=str(tmp_path), use_cpu=True, **settings)


def test_share_of_padding():
    assert padding_share(Examples(), collate, 1) == 0
    assert padding_share(Examples(), collate, 6) == pytest.approx(1 - LENGTHS.sum() / (6 * 8))


def test_steps_and_disk_are_those_of_the_run(tmp_path, tokenizer, config, capsys):
    settings = {"num_train_epochs": 2, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
    args = ClassificationRecipe.default_args(str(tmp_path / "run"), **settings)
    recipe = ClassificationRecipe(
        source=LabelledSource(max_train_examples=50, max_validation_examples=10), model=config, tokenizer=tokenizer,
        config=ClassificationConfig(max_length=48), args=args,
    )  # fmt: skip
    recipe.train()
    assert recipe.trainer.state.global_step == optimizer_steps(50, args) == 14
    line = next(line for line in capsys.readouterr().out.splitlines() if "% padding, skipped" in line)
    assert "50 examples · 14 steps, batch size 8" in line
    kept = [file.stat().st_size for file in (tmp_path / "run").rglob("checkpoint-*/*") if file.is_file()]
    final = (tmp_path / "run" / "model.safetensors").stat().st_size
    assert sum(kept) + final < 1.2 * bytes_needed(recipe.prepare().model, args)


def summed(output):
    return {"loss": output.last_hidden_state.sum()}


def collate_texts(lengths):
    mask = collate(lengths)["attention_mask"]
    return {"input_ids": mask * 7, "attention_mask": mask}


def test_timing_a_step_changes_nothing(tmp_path, config):
    """Neither the model and its gradients nor the random numbers that follow."""
    model, args = BertModel(config), arguments(tmp_path, max_steps=100, gradient_accumulation_steps=2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    seconds = seconds_a_step(BuiltModel(model), Examples(), collate_texts, args, summed)
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    line = describe_training(model, len(LENGTHS), args, 0.25, unpadded=True, free=10**9, step=60.0)
    assert "about 1 h 40 min of training" in line
    assert "25% padding, skipped" in line
    ticks = iter([0.0, 50.0, 100.0, 103.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bert_finetune_kit.training.preflight.time.perf_counter", lambda: next(ticks))
        timed = seconds_a_step(BuiltModel(model), Examples(), collate_texts, args, summed)
    assert timed == 2 * 3.0  # of the pass that counts
    assert seconds > 0


def test_a_short_training_is_not_timed(tmp_path, config):
    args = arguments(tmp_path, max_steps=99)
    assert seconds_a_step(BuiltModel(BertModel(config)), Examples(), collate_texts, args, summed) is None


def test_too_little_memory_is_refused_or_forced(tmp_path, tokenizer, config, monkeypatch):
    def build(name):
        args = ClassificationRecipe.default_args(str(tmp_path / name), max_steps=1, warmup_steps=0)
        source = LabelledSource(max_train_examples=20, max_validation_examples=10)
        return ClassificationRecipe(source=source, model=config, tokenizer=tokenizer, args=args)

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(OutputError, match=r"0\.00 GB of memory is free on cpu.*LoRA.*--force"):
        build("refused").train()
    assert build("forced").train(force=True).scores


def test_frozen_weights_have_no_moments(tmp_path, config):
    model, args = BertModel(config), arguments(tmp_path, save_strategy="epoch", save_total_limit=1)
    weights = 4 * sum(parameter.numel() for parameter in model.parameters())
    assert bytes_needed(model, args) == 2 * weights + 2 * 3 * weights
    model.embeddings.requires_grad_(False)
    learning = 4 * sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert bytes_needed(model, args) == 2 * weights + 2 * (weights + 2 * learning)
    line = preflight(BuiltModel(model), SimpleNamespace(train=Examples(), collator=collate), args, False, summed)
    assert f"{learning // 4:,} of them trained" in line
    assert "33% padding, computed" in line
    assert "GB free" in line
    assert bytes_needed(model, arguments(tmp_path, save_strategy="no")) == 2 * weights


@pytest.mark.parametrize(
    ("given", "capability", "hint"),
    [
        ({}, (9, 0), "bf16=True"),
        ({}, (7, 5), "fp16=True"),
        ({"bf16": True}, (9, 0), None),
        ({"fp16": True}, (7, 5), None),
    ],
)
def test_a_gpu_that_computes_in_32_bits(monkeypatch, given, capability, hint):
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    args = SimpleNamespace(**{"bf16": False, "fp16": False} | given, device=torch.device("cuda"))
    assert [hint in line for line in precision_hint(args)] == ([] if hint is None else [True])
    args.device = torch.device("cpu")
    assert precision_hint(args) == []
