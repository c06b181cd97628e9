"""The Trainer's arguments as `KitTrainer` needs them, and what follows from them."""

import copy

from transformers import TrainingArguments


def adapt_arguments(args: TrainingArguments) -> TrainingArguments:
    """Return a copy of the arguments that suits the device, the kit's examples and its checkpoints."""
    args = copy.copy(args)
    if args.device.type in ("cpu", "xla"):
        args.dataloader_pin_memory = False  # there is nothing to pin for, and torch warns of it at each epoch
    if args.device.type == "xla" and args.eval_accumulation_steps is None:
        args.eval_accumulation_steps = 1  # outputs kept on the device would grow: a new shape for every batch
    args.remove_unused_columns = False  # examples hold nothing but what the collator takes
    args.save_total_limit = None  # CheckpointCallback deletes old checkpoints once the new one is valid
    # The recipe pushes, once everything is on the disk; the Trainer would write the token into training_args.bin.
    args.push_to_hub, args.hub_token = False, None
    if args.ddp_find_unused_parameters is None:
        args.ddp_find_unused_parameters = False  # every weight takes part in every loss
    return args


def effective_batch(args: TrainingArguments) -> int:
    """Return how many examples an optimizer step takes, over all processes and micro-batches."""
    return args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
