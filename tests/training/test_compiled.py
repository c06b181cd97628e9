"""What a training does where `torch.compile` compiles the model; tests/modeling/test_compiled.py compiles."""

from types import SimpleNamespace

import pytest
import torch
from small_recipes import build, small_config
from torch import nn
from transformers import TrainingArguments

from bert_finetune_kit.training.compiled import begin_compiled_step, compile_by_layer, is_compiled


def test_what_is_compiled(monkeypatch, tmp_path, tokenizer):
    """By the arguments of the Trainer, or by the file of `accelerate launch`; batches then have few lengths."""
    recipe = build("classification", small_config(tokenizer), tmp_path, tokenizer=tokenizer)
    assert not is_compiled(recipe.args)
    assert recipe.batch_lengths(128) is None
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "NO")
    assert not is_compiled(recipe.args)
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "INDUCTOR")
    assert is_compiled(recipe.args)
    assert recipe.batch_lengths(128) == (32, 64, 128)
    monkeypatch.delenv("ACCELERATE_DYNAMO_BACKEND")
    recipe = build("classification", small_config(tokenizer), tmp_path, tokenizer=tokenizer, torch_compile=True)
    assert is_compiled(recipe.args)


@pytest.mark.parametrize(
    ("device", "settings", "marks"),
    [
        ("cuda", {"torch_compile_mode": "reduce-overhead"}, 1),
        ("cuda", {"torch_compile": True}, 0),
        ("cuda", {}, 0),
        ("cpu", {"torch_compile_mode": "reduce-overhead"}, 0),
    ],
)
def test_steps_of_cuda_graphs_are_marked(monkeypatch, tmp_path, device, settings, marks):
    marked = []
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: marked.append(1))
    args = TrainingArguments(str(tmp_path), use_cpu=True, **settings)
    monkeypatch.setattr(TrainingArguments, "device", torch.device(device))
    begin_compiled_step(args)
    assert len(marked) == marks


LAYERS = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])


@pytest.mark.parametrize(
    ("model", "torch_compile", "by_layer"),
    [
        (nn.Sequential(LAYERS), True, True),
        (nn.Sequential(LAYERS), False, False),
        (nn.ModuleList([LAYERS, LAYERS]), True, False),
    ],
)
def test_the_arguments_compile_by_layer_and_a_launch_file_as_it_says(tmp_path, model, torch_compile, by_layer):
    plugin = SimpleNamespace(use_regional_compilation=False)
    args = TrainingArguments(str(tmp_path), use_cpu=True, torch_compile=torch_compile)
    compile_by_layer(SimpleNamespace(state=SimpleNamespace(dynamo_plugin=plugin)), args, model)
    assert plugin.use_regional_compilation == by_layer
