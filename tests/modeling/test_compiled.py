"""`torch.compile` of encoders that skip padding: few graphs for batches of any lengths."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from heads import HEADS, make_head, total
from safetensors.torch import load_file
from small_recipes import KINDS, build, small_config
from torch._dynamo.testing import CompileCounter

from bert_finetune_kit.modeling import attention
from bert_finetune_kit.modeling.attention_parts import Blocks, plan_attention
from bert_finetune_kit.modeling.packing import PACKING, filler_lengths
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


def of_few_shapes(head, device):
    return with_packing(replace(head.collator, lengths=(32, 64, 128)), head.model, device, compiled=True)


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_fillers_change_nothing(monkeypatch, tokenizer, kind, device):
    """No real token sees them: logits and gradients are those of the batch alone."""
    monkeypatch.setattr("bert_finetune_kit.modeling.attention.variable_length_kernel", lambda *_: stand_in)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)  # else a CPU has attention of its own
    head, results = make_head(kind, tokenizer), []
    head.model.train()
    for module in head.model.modules():
        module.p = 0.0  # of dropout
        module.dropout_prob = 0.0
    for batch in (head.batch(), of_few_shapes(head, device)(head.examples)):
        outputs = head.forward(head.model, batch)
        values = [value.detach()[:6] for value in outputs.to_tuple() if value is not None and value.ndim]
        if kind != "unlabelled":
            head.model.zero_grad()
            total(head, outputs).backward()
            values += [parameter.grad.clone() for parameter in head.model.parameters()]
        results.append(values)
    assert batch[PACKING].has_fillers
    for value, expected in zip(*results, strict=True):
        torch.testing.assert_close(value[..., : expected.shape[-1]] if value.ndim else value, expected)


@pytest.mark.parametrize("kind", ["pretraining", "single_label"])
def test_batches_have_few_shapes(tokenizer, kind):
    """Of 200 batches of random lengths: some sixteenths of (6, 128), and of (3, 128) at the end of an epoch."""
    head, shapes = make_head(kind, tokenizer), set()
    collator = of_few_shapes(head, "cuda")
    for step in range(200):
        batch = collator(random_examples(kind, head.model, step))
        packing = batch.pop(PACKING)
        [part] = packing.parts
        sizes = [tuple(value.shape) for value in batch.values()]
        shapes.add((*sizes, len(packing.indices), len(part.cu_seqlens), part.max_seqlen))
    assert len(shapes) < 20


@pytest.mark.parametrize(
    ("tokens", "batch", "seq"), [(1, 1, 5), (70, 32, 8), (256, 32, 8), (3, 3, 500), (1500, 3, 500)]
)
def test_lengths_of_fillers(tokens, batch, seq):
    """Their number depends on the shape of the batch alone, and none is longer than it."""
    lengths, step = filler_lengths(tokens, batch, seq), -(-batch * seq // 16)
    assert (tokens + sum(lengths)) % step == 0
    assert sum(lengths) < step
    assert len(lengths) == len(filler_lengths(1, batch, seq))
    assert max(lengths) <= seq


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
    collator = of_few_shapes(head, device)
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
    [part] = plan_attention([3, 9, 50, 70, 70], "cpu", compiled_width=70)
    assert isinstance(part, Blocks)
    assert part.sequence_ids.shape == (3, 72)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch hides it, but not where warnings are errors
@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_with_torch_compile(monkeypatch, tmp_path, tokenizer, kind):
    """Its layers share a compilation; it learns the same, and saves a stock checkpoint."""
    compiled_modules, compile_module = [], torch.compile

    def compile_and_count(module, **settings):
        compiled_modules.append(type(module).__name__)
        return compile_module(module, **settings)

    monkeypatch.setattr(torch, "compile", compile_and_count)
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
    assert compiled_modules.count("BertLayer") == 2
    assert set(load_file(folder / "model.safetensors")) == set(load_file(tmp_path / "False" / "model.safetensors"))
