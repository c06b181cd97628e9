"""Whether a training leaves weights without a gradient, which the synchronization of processes has to know."""

import copy

import torch
from transformers import TrainingArguments

from ..contract import BuiltModel, PreparedData
from ..modeling.random_state import random_state_kept
from .loss import Loss


def with_unused_weights(
    args: TrainingArguments, built: BuiltModel, data: PreparedData, loss: Loss
) -> TrainingArguments:
    """Return the arguments with `ddp_find_unused_parameters`, where several processes train and it is not set.

    DDP averages gradients in groups, and a group with a weight that gets none is never averaged, unless DDP looks for
    such weights in every step, which takes time.
    """
    is_ddp = args.world_size > 1 and not (args.fsdp or args.deepspeed or args.device.type == "xla")
    if args.ddp_find_unused_parameters is not None or not is_ddp or not len(data.train):  # the last trains nothing
        return args
    args = copy.copy(args)
    args.ddp_find_unused_parameters = has_unused_weights(built, data, loss)
    return args


def has_unused_weights(built: BuiltModel, data: PreparedData, loss: Loss) -> bool:
    """Return whether some trainable weights take no part in the loss, such as a pooler that the head does not read.

    Args:
        built: the model to be trained, which stays as it is.
        data: whose first two examples are tried.
        loss: of the recipe.
    """
    model = built.model
    device = next(model.parameters()).device
    was_training = model.training
    batch = data.collator([data.train[(0, number, True)] for number in range(min(2, len(data.train)))])
    with random_state_kept(device):
        outputs = built.forward(model.train(), {name: value.to(device) for name, value in batch.items()})
        torch.stack(list(loss.sum_fn(outputs).values())).sum().backward()
    unused = any(value.requires_grad and value.grad is None for value in model.parameters())
    model.zero_grad()
    model.train(was_training)
    return unused
