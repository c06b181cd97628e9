"""No forward or backward reads a number from the device, which would wait for all that was started before.

`FakeTensorMode` knows shapes alone, so that what needs the values of a tensor raises.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from heads import HEADS, make_head, move_batch, move_model, total
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from bert_finetune_kit.modeling.packing import PACKING

BROUGHT = ("prediction_positions", "window_counts")  # beside the packing
SLOW = ("masked words", "multi_label", "regression", "windows")  # as those of the others, but for their losses
KINDS = [pytest.param(kind, marks=pytest.mark.slow) if kind in SLOW else kind for kind in HEADS]
LOOKS = (DataDependentOutputException, DynamicOutputShapeException)


@pytest.mark.parametrize("kind", KINDS)
def test_forward_and_backward_by_shapes_alone(kind, tokenizer):
    head = make_head(kind, tokenizer)
    batch, fake = head.batch(), FakeTensorMode()
    assert batch[PACKING] is not None
    model, batch = move_model(head.model, fake.from_tensor), move_batch(batch, fake.from_tensor)
    with fake:
        outputs = head.forward(model, batch)
        if kind == "unlabelled":
            assert outputs.logits.shape == (3, 3)
            return
        head.loss.num_items_fn(batch)
        total(head, outputs).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("missing", [PACKING, "prediction_positions"])
def test_what_a_batch_does_not_bring_is_looked_for(missing, tokenizer):
    """The test above would notice."""
    head, fake = make_head("pretraining", tokenizer), FakeTensorMode()
    batch = {name: value for name, value in head.batch().items() if name != missing}
    model, batch = move_model(head.model, fake.from_tensor), move_batch(batch, fake.from_tensor)
    with fake, pytest.raises(LOOKS):
        head.forward(model, batch)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_batch_brings_changes_no_bit(kind, tokenizer):
    """Losses and gradients are those of a batch whose mask and labels are looked at."""
    results = []
    for brought in (True, False):
        head = make_head(kind, tokenizer)
        batch = head.batch() if brought else head.collator(head.examples)
        batch = {
            name: value
            for name, value in batch.items()
            if brought or name not in ("prediction_positions", "window_counts")
        }
        torch.manual_seed(1)
        outputs = head.forward(head.model, batch)
        values = [value.detach() for value in outputs.to_tuple() if value is not None]
        if kind != "unlabelled":
            total(head, outputs).backward()
            values += [parameter.grad for parameter in head.model.parameters()]
        results.append(values)
    for value, expected in zip(*results, strict=True):
        assert torch.equal(value, expected)


def test_activation_checkpointing_recomputes_with_the_same_packing(tokenizer):
    gradients = []
    for checkpointing in (False, True):
        head = make_head("single_label", tokenizer)
        if checkpointing:  # older versions of transformers only have the name that newer ones deprecate
            getattr(head.model, "activation_checkpointing_enable", head.model.gradient_checkpointing_enable)()
        torch.manual_seed(1)
        total(head, head.forward(head.model, head.batch())).backward()
        gradients.append([parameter.grad for parameter in head.model.parameters()])
    for gradient, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, expected)


@pytest.mark.slow
def test_no_head_looks_at_the_numbers_of_a_gpu():
    """In a process of its own: fake CUDA tensors can end it."""
    tests = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests / "helpers")])}
    command = [sys.executable, str(tests / "helpers" / "heads.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("cuda\n") == 4 * len(HEADS)
