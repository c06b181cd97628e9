"""Weights without a gradient, which processes must know of before they average gradients."""

import copy

import torch
from torch import nn

from bert_finetune_kit.training.unused import has_unused_weights, with_unused_weights


def test_weights_that_take_no_part_in_the_loss(make_recipe):
    recipe = make_recipe()
    prepared = recipe.prepare()
    model, state = prepared.model, torch.get_rng_state()
    assert not has_unused_weights(prepared.built, prepared.data, recipe.loss)
    model.bert.register_parameter("global_query", nn.Parameter(torch.zeros(3)))
    assert has_unused_weights(prepared.built, prepared.data, recipe.loss)
    model.bert.global_query.requires_grad_(False)
    assert not has_unused_weights(prepared.built, prepared.data, recipe.loss)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(value.grad is None for value in model.parameters())


def test_they_are_looked_for_where_several_processes_train(make_recipe, monkeypatch):
    recipe = make_recipe()
    prepared = recipe.prepare()

    def find(processes, **settings):
        args = copy.copy(prepared.args)
        monkeypatch.setattr(type(args), "world_size", processes)
        for name, value in settings.items():
            setattr(args, name, value)
        return with_unused_weights(args, prepared.built, prepared.data, recipe.loss).ddp_find_unused_parameters

    assert find(1) is None
    assert find(2) is False
    assert find(2, ddp_find_unused_parameters=True) is True
    prepared.model.bert.register_parameter("global_query", nn.Parameter(torch.zeros(3)))
    assert find(2) is True
    assert prepared.args.ddp_find_unused_parameters is None
