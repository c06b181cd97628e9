"""`torch.compile` of encoders that skip padding: one graph for batches of any lengths."""

import random

import numpy as np
import pytest
import torch
from heads import make_head, total
from safetensors.torch import load_file
from small_recipes import build, small_config
from torch._dynamo.testing import CompileCounter

from bert_finetune_kit.modeling.attention_parts import Blocks, plan_attention
from bert_finetune_kit.modeling.unpadding import with_packing


def stand_in(query, key, value, cu_seqlens, max_seqlen, dropout, scale):
    """A kernel for variable lengths, of operations that a CPU has."""
    sequence = torch.bucketize(torch.arange(query.shape[0]), cu_seqlens[1:], right=True)
    mask = sequence.unsqueeze(1) == sequence
    states = (tensor.transpose(0, 1).unsqueeze(0) for tensor in (query, key, value))
    output = torch.nn.functional.scaled_dot_product_attention(*states, attn_mask=mask, dropout_p=dropout, scale=scale)
    return output[0].transpose(0, 1)


def random_examples(kind, model, step):
    """Sequences of random lengths, half as many in every fiftieth batch, as at the end of an epoch."""
    random.seed(step)
    rows = [
        np.random.default_rng((step, number)).integers(5, model.config.vocab_size, random.randint(4, 100))
        for number in range(3 if step % 50 == 49 else 6)
    ]
    if kind == "pretraining":
        pairs = {"next_sentence_label": 1}
        return [
            {"input_ids": row, "token_type_ids": row * 0, "rng_key": (0, step, number), **pairs}
            for number, row in enumerate(rows)
        ]
    return [{"windows": [(row, len(row))], "label": 1, "in_loss": True} for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "device", "steps"),
    [("single_label", "cuda", 200), ("pretraining", "cuda", 60), ("single_label", "cpu", 60)],
)
def test_a_training_compiles_few_graphs(monkeypatch, tokenizer, kind, device, steps):
    """With the layout of GPUs and of CPUs; no part of the forward is left out of the graph."""
    monkeypatch.setattr("bert_finetune_kit.modeling.attention.variable_length_kernel", lambda *_: stand_in)
    torch.compiler.reset()
    head, counter = make_head(kind, tokenizer), CompileCounter()
    collator = with_packing(head.collator, head.model, device, compiled=True)
    compiled = torch.compile(head.model, backend=counter, fullgraph=True)
    for step in range(steps):
        total(head, head.forward(compiled, collator(random_examples(kind, head.model, step)))).backward()
    assert counter.frame_count <= 4


def test_compiled_for_a_cpu_there_is_one_call_of_attention():
    [part] = plan_attention([3, 9, 50, 70, 70], "cpu", compiled=True)
    assert isinstance(part, Blocks)
    assert part.sequence_ids.shape == (3, 72)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classification", "pretraining"])
def test_a_recipe_with_torch_compile(tmp_path, tokenizer, kind):
    """It learns the same, and saves a stock checkpoint."""
    torch.compiler.reset()
    settings = {"max_steps": 3, "save_strategy": "no", "eval_strategy": "no", "load_best_model_at_end": False}
    losses = []
    for compiled in (False, True):
        further = {"torch_compile": True, "torch_compile_backend": "eager"} if compiled else {}
        folder = tmp_path / str(compiled)
        recipe = build(
            kind, small_config(tokenizer), folder, tokenizer=tokenizer, logging_steps=1, **settings, **further
        )
        report = recipe.train()
        losses.append([log["loss"] for log in report.history if "loss" in log])
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-4, atol=1e-5)
    assert set(load_file(folder / "model.safetensors")) == set(load_file(tmp_path / "False" / "model.safetensors"))
