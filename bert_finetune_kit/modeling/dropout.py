"""Dropout whose random numbers cost a fraction of torch's on CPUs.

On processors that are not Intel's, `torch.nn.functional.dropout` draws one number per element, one after the other: an
eighth of a training step of BERT. Here one draw of 64 bits serves four elements. The numbers come from torch's own
generator, so seeds, resuming and gradient checkpointing work as usual; they differ from those that torch would draw.
"""

import math

import torch
from torch import Tensor, nn

_LEVELS = 1 << 16  # probabilities are multiples of 1 / 65,536: 0.1 is 0.1000061


def keep_mask(shape: torch.Size | tuple[int, ...], p: float, dtype: torch.dtype) -> Tensor:
    """Return a dropout mask to multiply by: 0 with probability `p`, else the factor that preserves the mean.

    Args:
        shape: of the mask.
        p: dropout probability, below 1; it is rounded to a multiple of 1 / 65,536.
        dtype: of the mask.
    """
    levels = round(p * _LEVELS)
    count = math.prod(shape)
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(1 << 63), None)
    kept = bits.view(torch.int16)[:count] >= levels - _LEVELS // 2
    return kept.to(dtype).mul_(_LEVELS / (_LEVELS - levels)).view(shape)


class Dropout(nn.Dropout):
    """`torch.nn.Dropout` with cheap random numbers on CPUs; on other devices and in evaluation the stock module."""

    def forward(self, input: Tensor) -> Tensor:
        """Zero elements with probability `p`, and scale the others so that the mean is preserved."""
        is_stock = input.device.type != "cpu" or torch.compiler.is_compiling()  # compiled, torch's own costs little
        if not self.training or not 0 < self.p < 1 or is_stock:
            return super().forward(input)
        return input * keep_mask(input.shape, self.p, input.dtype)
