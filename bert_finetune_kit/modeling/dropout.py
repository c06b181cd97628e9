"""Dropout whose random numbers cost a fraction of torch's on CPUs.

`torch.nn.functional.dropout` draws a number an element, one after the other, on processors that are not Intel's: in
BERT an eighth of a training step. Here one draw of 64 bits serves four elements. The numbers come from torch's own
generator, so seeds, resuming and gradient checkpointing work as ever; they are other numbers than torch would draw.
"""

import torch
from torch import Tensor, nn

_LEVELS = 1 << 16  # probabilities are multiples of 1 / 65,536: 0.1 is 0.1000061


def kept_share(p: float) -> float:
    """Return the share of elements that `kept` keeps.

    >>> round(kept_share(0.1), 6)
    0.899994
    """
    return 1 - round(p * _LEVELS) / _LEVELS


def kept(shape: torch.Size | tuple[int, ...], p: float) -> Tensor:
    """Return which elements dropout keeps, bool of `shape`, each dropped with the probability `p` by itself."""
    count = 1
    for size in shape:
        count *= size
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(1 << 63), None)
    return (bits.view(torch.int16)[:count] >= round(p * _LEVELS) - _LEVELS // 2).view(shape)


class Dropout(nn.Dropout):
    """`torch.nn.Dropout` with cheap random numbers on CPUs; elsewhere and in evaluation what it is."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements with the probability `p`, and scale the others so that the mean stays."""
        if not self.training or self.p in (0.0, 1.0) or input.device.type != "cpu":
            return super().forward(input)
        return torch.where(kept(input.shape, self.p), input * (1 / kept_share(self.p)), 0.0)
