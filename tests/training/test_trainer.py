"""The Trainer: the same gradient however a batch is split, scores that do not depend on batch sizes, exact resume."""

import json
import math
from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback

from bert_finetune_kit import NonFiniteLossError, PretrainConfig
from bert_finetune_kit.training.checkpointing import load_state


class Record(TrainerCallback):
    """Records the gradient of the first step and the losses logged."""

    def __init__(self):
        self.gradients, self.losses = {}, []

    def on_pre_optimizer_step(self, args, state, control, model=None, **_):
        if not self.gradients:
            self.gradients = {name: value.grad.clone() for name, value in model.named_parameters()}

    def on_log(self, args, state, control, logs=None, **_):
        if "loss" in logs:
            self.losses.append(logs["loss"])


def first_step(make_recipe, tmp_path, **settings):
    record = Record()
    settings = {"max_steps": 1, "max_grad_norm": 0.0, "eval_strategy": "no", "save_strategy": "no"} | settings
    recipe = make_recipe(output_dir=tmp_path / str(settings), logging_steps=1, **settings)
    recipe.callbacks.append(record)
    recipe.fit(recipe.prepare())
    return record


def relative_difference(gradients, expected):
    difference = torch.stack([(gradients[name] - value).norm() for name, value in expected.items()]).norm()
    return (difference / torch.stack([value.norm() for value in expected.values()]).norm()).item()


def test_accumulated_batches_give_the_gradient_of_one_large_batch(make_recipe, tmp_path):
    single = first_step(make_recipe, tmp_path, per_device_train_batch_size=16)
    split = first_step(make_recipe, tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=4)
    assert relative_difference(split.gradients, single.gradients) < 1e-5
    assert split.losses[0] == pytest.approx(single.losses[0], rel=1e-5)


def test_the_gradient_is_that_of_the_mean_over_masked_tokens(make_recipe, tmp_path):
    """Against plain torch on the stock model: no Trainer, no head on masked positions only."""
    import transformers

    record = first_step(make_recipe, tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=2)
    recipe = make_recipe(output_dir=tmp_path / "plain")
    prepared = recipe.prepare()
    keys = list(recipe.build_trainer(prepared).train_sampler())[:8]
    batch = prepared.data.collator([prepared.data.train[key] for key in keys])
    stock = transformers.BertForPreTraining(prepared.model.config).train()
    stock.load_state_dict(prepared.model.state_dict())
    stock(**batch).loss.backward()
    expected = {name: value.grad for name, value in stock.named_parameters()}
    assert relative_difference(record.gradients, expected) < 1e-5


def test_scores_do_not_depend_on_the_batch_size(make_recipe, tmp_path):
    scores = []
    for size in (1, 4, 64):
        recipe = make_recipe(output_dir=tmp_path / str(size), per_device_eval_batch_size=size)
        scores.append({key: value for key, value in recipe.evaluate().items() if key != "epoch"})
    for scores_of_size in scores[1:]:
        assert scores_of_size == pytest.approx(scores[0], rel=1e-5)
    assert scores[0]["perplexity"] == pytest.approx(math.exp(scores[0]["mlm_loss"]))


def test_evaluation_masks_are_fixed(make_recipe):
    recipe = make_recipe()
    assert recipe.evaluate() == recipe.evaluate()


@pytest.mark.parametrize("workers", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_resuming_is_exact(make_recipe, tmp_path, config, workers):
    config.hidden_dropout_prob = 0.1  # so that the generators must be restored, too
    settings = {
        "max_steps": 14,
        "per_device_train_batch_size": 16,
        "save_strategy": "steps",
        "save_steps": 11,
        "save_total_limit": None,
        "eval_strategy": "no",
        "dataloader_num_workers": workers,
    }
    uninterrupted = make_recipe(output_dir=tmp_path / "uninterrupted", **settings)
    uninterrupted.train()
    steps_an_epoch = -(-len(uninterrupted.prepare().data.train) // 16)
    assert steps_an_epoch < 11 < 2 * steps_an_epoch  # in the middle of the second epoch
    folder = tmp_path / "resumed"
    folder.mkdir()
    (tmp_path / "uninterrupted" / "checkpoint-11").rename(folder / "checkpoint-11")
    resumed = make_recipe(output_dir=folder, **settings)
    resumed.train(resume=True)
    weights, expected = (recipe.prepare().model.state_dict() for recipe in (resumed, uninterrupted))
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    losses, expected_losses = (
        [log["loss"] for log in json.loads((tmp_path / name / "report.json").read_text())["history"]]
        for name in ("resumed", "uninterrupted")
    )
    assert losses == expected_losses
    assert len(losses) == 14


def test_workers_make_the_same_batches(make_recipe, tmp_path):
    losses = [
        first_step(make_recipe, tmp_path, dataloader_num_workers=workers, max_steps=3).losses for workers in (0, 2)
    ]
    assert losses[0] == losses[1]


def test_a_loss_that_is_not_finite_stops_the_run(make_recipe, tmp_path):
    recipe = make_recipe(max_steps=20, learning_rate=1e30, max_grad_norm=0.0, warmup_steps=0)
    with pytest.raises(NonFiniteLossError, match=r"not finite at step \d+ .*learning rate 9.50e\+29.*too high"):
        recipe.train()
    assert not (tmp_path / "run" / "report.json").exists()


def test_non_finite_evaluation_losses_are_counted(make_recipe):
    recipe = make_recipe()
    prepared = recipe.prepare()
    with torch.no_grad():
        prepared.model.cls.predictions.bias.fill_(math.nan)
    assert recipe.evaluate()["non_finite_examples"] == len(prepared.data.validation["validation"])


def test_real_tokens_are_counted(make_recipe):
    recipe = make_recipe(max_steps=3, logging_steps=1)
    report = recipe.train()
    train = recipe.prepare().data.train
    keys = list(recipe.trainer.train_sampler())[:24]
    tokens = sum(len(train[key]["input_ids"]) for key in keys)
    assert recipe.trainer.state.num_input_tokens_seen == tokens
    assert all(log["tokens_per_second"] > 0 for log in report.history)


def test_noise_that_is_scaled_by_the_padded_length_has_it(make_recipe):
    assert make_recipe().prepare().unpadded
    assert not make_recipe(neftune_noise_alpha=5.0).prepare().unpadded


def test_a_checkpoint_between_two_logs_has_all_tokens(make_recipe):
    recipe = make_recipe(max_steps=3, logging_steps=2, save_strategy="steps", save_steps=3, eval_strategy="no")
    recipe.train()
    train = recipe.prepare().data.train
    tokens = sum(len(train[key]["input_ids"]) for key in list(recipe.trainer.train_sampler())[:24])
    assert load_state(Path(recipe.output_dir) / "checkpoint-3").num_input_tokens_seen == tokens


def test_examples_that_fill_up_a_batch_do_not_count(make_recipe):
    """What two processes would compute for the last, uneven batch, done by hand in one."""
    recipe = make_recipe(recipe=PretrainConfig(max_length=32))
    prepared = recipe.prepare()
    trainer, data = recipe.build_trainer(prepared), prepared.data
    real = [(0, index, True) for index in range(3)]
    shares = [real[:2], [real[2], (0, 0, False)]]
    batches = [data.collator([data.train[key] for key in keys]) for keys in shares]
    batch = data.collator([data.train[key] for key in real])
    prepared.model.train()
    items = trainer.count_items(batches, torch.device("cpu"))
    loss = sum(trainer.compute_loss(prepared.model, part, num_items_in_batch=items) for part in batches)
    torch.testing.assert_close(loss, trainer.compute_loss(prepared.model, batch))
