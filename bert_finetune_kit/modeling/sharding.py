"""What a BERT needs before Accelerate shards it with FSDP 2."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..compat.transformers import untie_weight

if TYPE_CHECKING:
    from accelerate import FullyShardedDataParallelPlugin


def prepare_for_fsdp(model: Any, plugin: "FullyShardedDataParallelPlugin") -> None:
    """Remove the second name of the MLM head's bias, and keep losses and gradients in fp32.

    The bias is a parameter of the head and of its decoder. Accelerate puts the decoder and the rest of the head into
    two groups, and torch (2.13) refuses a parameter that is in both. It stays a parameter of the head, the name that it
    has in a stock checkpoint.

    Args:
        model: a BERT, with or without an MLM head.
        plugin: changed in place. Its default policy for bf16 rounds all outputs of the model and the reduced gradients
            to bf16.
    """
    head = getattr(getattr(model, "cls", None), "predictions", None)
    if head is not None and head.decoder.bias is head.bias:
        head.decoder.bias = None
        untie_weight(model, "cls.predictions.decoder.bias")

        def add_bias(decoder: Any, inputs: Any, output: Tensor) -> Tensor:
            return output + head.bias

        head.decoder.register_forward_hook(add_bias)
    policy = plugin.mixed_precision_policy
    if plugin.fsdp_version == 2 and policy is not None:
        from torch.distributed.fsdp import MixedPrecisionPolicy

        plugin.mixed_precision_policy = MixedPrecisionPolicy(
            param_dtype=policy.param_dtype, reduce_dtype=torch.float32, output_dtype=None
        )
