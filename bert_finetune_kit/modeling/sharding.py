"""What a BERT needs before Accelerate shards it with FSDP 2."""

from typing import Any

import torch
from torch import Tensor


def prepare_for_fsdp(model: Any, plugin: Any) -> None:
    """Take away the second name of the MLM head's bias, and keep losses and gradients in fp32.

    The bias is a parameter of the head and of its decoder. Accelerate puts the decoder and the rest of the head into
    two groups, and torch (2.13) refuses a parameter that is in both. The head keeps it, under which name a stock
    checkpoint has it.

    Args:
        model: a BERT, with or without an MLM head.
        plugin: Accelerate's `FullyShardedDataParallelPlugin`. Its policy for bf16 rounds all that the model returns and
            the sums of gradients to bf16.
    """
    head = getattr(getattr(model, "cls", None), "predictions", None)
    if head is not None and head.decoder.bias is head.bias:
        head.decoder.bias = None
        model.all_tied_weights_keys.pop("cls.predictions.decoder.bias", None)  # or it would be tied again

        def add_bias(decoder: Any, inputs: Any, output: Tensor) -> Tensor:
            return output + head.bias

        head.decoder.register_forward_hook(add_bias)
    policy = plugin.mixed_precision_policy
    if plugin.fsdp_version == 2 and policy is not None:
        from torch.distributed.fsdp import MixedPrecisionPolicy

        plugin.mixed_precision_policy = MixedPrecisionPolicy(
            param_dtype=policy.param_dtype, reduce_dtype=torch.float32, output_dtype=None
        )
