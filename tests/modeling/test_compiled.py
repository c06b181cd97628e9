"""`torch.compile` of encoders that skip padding: one graph for batches of any lengths."""

import random

import numpy as np
import pytest
import torch
from heads import make_head, total
from safetensors.torch import load_file
from small_recipes import build, small_config
from torch._dynamo.testing import CompileCounter

from bert_finetune_kit.modeling import attention
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


class Captured(Exception):
    """Ends a compilation once the graph is there, since a CPU has no such kernel to run it."""


@pytest.mark.parametrize(
    ("dtype", "operator"),
    [(torch.bfloat16, "_flash_attention_forward"), (torch.float32, "_efficient_attention_forward")],
)
def test_the_choice_of_a_kernel_is_part_of_no_graph(monkeypatch, dtype, operator):
    """Of an imagined A100: the graph holds the operator alone."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 0))
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)
    monkeypatch.setattr(attention, "_is_on_nvidia", lambda query: True)
    called = []

    def backend(graph, _):
        called.extend(str(node.target) for node in graph.graph.nodes if node.op == "call_function")
        raise Captured

    def attend(query, cu_seqlens, max_seqlen):
        return attention.variable_length_kernel(query)(query, query, query, cu_seqlens, max_seqlen, 0.1, 0.5)

    torch.compiler.reset()
    query = torch.zeros(30, 2, 64, dtype=dtype, requires_grad=True)
    torch._dynamo.mark_dynamic(query, 0)
    with pytest.raises(Exception, match="Captured"):
        torch.compile(attend, backend=backend, fullgraph=True)(query, torch.tensor([0, 10, 30], dtype=torch.int32), 20)
    assert [name for name in called if "attention" in name] == [f"aten.{operator}"]


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
