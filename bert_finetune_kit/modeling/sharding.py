"""What an encoder needs before Accelerate shards it with FSDP 2."""

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from ..compat.transformers import untie_weight

if TYPE_CHECKING:
    from accelerate import FullyShardedDataParallelPlugin


def prepare_for_fsdp(model: Any, plugin: "FullyShardedDataParallelPlugin") -> None:
    """Remove the second name of a head's bias, and keep losses and gradients in fp32.

    In BERT and others, the bias is a parameter of the head for masked words and of its decoder. Accelerate puts the
    decoder and the rest of the head into two groups, and torch (2.13) refuses a parameter that is in both. It stays a
    parameter of the head, the name that it has in a stock checkpoint.

    Args:
        model: a stock model, with or without a head for masked words.
        plugin: changed in place. Its default policy for bf16 rounds all outputs of the model and the reduced gradients
            to bf16.
    """
    for name, head in model.named_modules():
        decoder: Any = getattr(head, "decoder", None)
        bias: Any = getattr(head, "bias", None)
        if bias is not None and getattr(decoder, "bias", None) is bias:
            decoder.bias = None
            untie_weight(model, f"{name}.decoder.bias")
            decoder.register_forward_hook(partial(_add_bias, head))
    policy = plugin.mixed_precision_policy
    if plugin.fsdp_version == 2 and policy is not None:
        from torch.distributed.fsdp import MixedPrecisionPolicy

        plugin.mixed_precision_policy = MixedPrecisionPolicy(
            param_dtype=policy.param_dtype, reduce_dtype=torch.float32, output_dtype=None
        )


def _add_bias(head: Any, decoder: Any, inputs: Any, output: Any) -> Any:
    return output + head.bias  # sharding exchanges the parameter
