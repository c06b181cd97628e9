"""Runs that run out of memory, and the settings that their errors propose."""

import re
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from small_recipes import build, small_config
from transformers import TrainerCallback, TrainingArguments

from bert_finetune_kit import DeviceMemoryError
from bert_finetune_kit.training.memory import smaller_batches, training_memory
from bert_finetune_kit.training.mismatch import mismatch_explained

CHECKPOINTING = (
    "activation_checkpointing" if hasattr(TrainingArguments, "activation_checkpointing") else ("gradient_checkpointing")
)


class Exhausted(TrainerCallback):
    """Runs out of memory in a step, or in an evaluation, as long as the batches have their first size."""

    def __init__(self, moment, step=6, train_batch=4, eval_batch=64):
        self.moment, self.step, self.batches = moment, step, (train_batch, eval_batch)

    def _fail(self, moment, args, state):
        size = args.per_device_train_batch_size if moment == "step" else args.per_device_eval_batch_size
        if moment == self.moment and state.global_step >= self.step and size in self.batches:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def on_pre_optimizer_step(self, args, state, control, **_):
        self._fail("step", args, state)

    def on_prediction_step(self, args, state, control, **_):
        self._fail("evaluation", args, state)


def train(model, folder, *callbacks, resume=False, **settings):
    config, tokenizer = model
    settings = {"max_steps": 8} | settings
    recipe = build("classification", config, folder, tokenizer=tokenizer, callbacks=callbacks, **settings)
    recipe.train(resume=resume)
    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def model(tokenizer):
    """Without dropout, which draws other numbers for other batches."""
    return small_config(tokenizer), tokenizer


@pytest.fixture(scope="module")
def uninterrupted(model, tmp_path_factory):
    return train(model, tmp_path_factory.mktemp("uninterrupted"))


def proposed(error):
    """Return the settings that a message proposes as flags."""
    return {flag: int(value) for flag, value in re.findall(r"--(\w+) (\d+)", str(error.value))}


def assert_close(weights, expected):
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=2e-4)  # sums of another order, and Adam


def test_a_training_continues_with_the_batches_that_the_error_proposes(model, uninterrupted, tmp_path):
    with pytest.raises(DeviceMemoryError, match=r"4 and gradient_acc\w+ 2, try 2 and 4 .*checkpoint-4: with") as error:
        train(model, tmp_path, Exhausted("step"))
    settings = proposed(error)
    assert settings == {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    assert_close(train(model, tmp_path, Exhausted("step"), resume=True, **settings), uninterrupted)


@pytest.mark.slow
def test_an_evaluation_continues_with_the_batch_that_the_error_proposes(model, uninterrupted, tmp_path):
    with pytest.raises(DeviceMemoryError, match=r"evaluation on cpu .* is 64, try 32 .*checkpoint-4: with") as error:
        train(model, tmp_path, Exhausted("evaluation"))
    settings = proposed(error)
    assert settings == {"per_device_eval_batch_size": 32}
    weights = train(model, tmp_path, Exhausted("evaluation"), resume=True, **settings)
    assert all(torch.equal(weight, uninterrupted[name]) for name, weight in weights.items())


def test_an_evaluation_alone_has_nothing_to_resume(model, tmp_path):
    config, tokenizer = model
    exhausted = Exhausted("evaluation", step=0)
    recipe = build("classification", config, tmp_path, tokenizer=tokenizer, callbacks=[exhausted])
    with pytest.raises(DeviceMemoryError, match=r"scores stay the same\. The device says: CUDA out of memory"):
        recipe.evaluate()


@pytest.mark.slow
def test_a_batch_of_one_continues_with_activation_checkpointing(model, uninterrupted, tmp_path):
    single = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 8}
    with pytest.raises(DeviceMemoryError, match=rf"is 1 already; set {CHECKPOINTING}=True"):
        train(model, tmp_path, Exhausted("step", train_batch=1), **single)
    assert_close(train(model, tmp_path, resume=True, **single, **{CHECKPOINTING: True}), uninterrupted)


@pytest.mark.parametrize(
    ("batch", "steps", "checkpointing", "advice"),
    [
        (32, 1, False, r"is 32 and .* 1, try 16 and 2 .*effective batch stays 32"),
        (9, 2, False, r"try 3 and 6 .*effective batch stays 18"),
        (7, 1, False, r"try 1 and 7 .*effective batch stays 7"),
        (1, 4, False, "checkpointing=True"),
        (1, 4, True, "lower max_length, or choose a smaller model"),
    ],
)
def test_proposals_keep_the_effective_batch(tmp_path, batch, steps, checkpointing, advice):
    args = TrainingArguments(
        str(tmp_path), per_device_train_batch_size=batch, gradient_accumulation_steps=steps, use_cpu=True,
        **{CHECKPOINTING: checkpointing},
    )  # fmt: skip
    assert re.search(advice, smaller_batches(args))


def test_memory_that_runs_out_while_a_checkpoint_is_loaded_is_no_mismatch(tmp_path):
    exhausted = torch.OutOfMemoryError("CUDA out of memory.")
    with pytest.raises(torch.OutOfMemoryError), mismatch_explained(tmp_path, SimpleNamespace(has_begun=False)):
        raise exhausted


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="shapes differ"), training_memory(TrainingArguments(use_cpu=True), "run"):
        raise RuntimeError("shapes differ")
