"""Outputs of a new regression head in the scale of its targets; checkpoints stay stock.

Adam moves every weight by about the learning rate in a step, whatever the scale of the targets. A new head whose bias
is 0 thus needs thousands of steps to predict only the mean of ratings from 0 to 5. Here the head starts at the mean,
and its outputs are multiplied by the spread of the targets: it learns standardized targets.
"""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


def scale_output(layer: nn.Linear, mean: float, std: float) -> float:
    """Let the last layer of a head compute standardized numbers, while its outputs have the scale of the targets.

    The factor is a power of two: it is multiplied into the weights of every state dict that is saved, and divided out
    of every one that is loaded, both without rounding. So a checkpoint is that of a stock layer, and a training resumes
    bit by bit.

    Args:
        layer: newly initialized; changed in place.
        mean: of the targets.
        std: their standard deviation; 0 means that they are all equal.

    Returns:
        The factor.
    """
    factor = 2.0 ** round(math.log2(std)) if std > 0 else 1.0
    if layer.bias is not None:
        nn.init.constant_(layer.bias, mean / factor)
    layer.register_forward_hook(partial(_multiply_output, factor))
    layer.register_state_dict_post_hook(partial(_multiply_weights, factor))
    layer.register_load_state_dict_pre_hook(partial(_multiply_weights, 1 / factor))
    return factor


def _multiply_output(factor: float, layer: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    return output * factor


def _multiply_weights(factor: float, layer: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    for name, _weight in layer.named_parameters(recurse=False):
        if prefix + name in state_dict:
            with torch.no_grad():
                state_dict[prefix + name] = state_dict[prefix + name] * factor
