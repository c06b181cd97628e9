"""Linear layers on x86 CPUs whose weights lie in memory as the matrix product reads them, for prediction.

oneDNN packs a weight once; a product with few rows, as of a single text, then takes two thirds of the time, one with
many rows nine tenths. Under autocast the packed weight has 16 bits, so that it is not converted anew in each batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ..compat.torch import count_changes, pack_weight, packed_linear
from .encoders import modules_of, switch_class

_PACKABLE = (torch.float32, torch.bfloat16)
_CAPABILITIES = ("AVX2", "AVX512")


class _Packed(NamedTuple):
    state: tuple[Any, ...]
    """What it was packed from: address of the weight, how often weight and bias had been changed in place, type."""
    source: Tensor
    """The weight itself: as long as it is kept, no other one can be at its address."""
    weight: Tensor
    bias: Tensor | None


_PACKED: WeakKeyDictionary[nn.Linear, _Packed] = WeakKeyDictionary()


class PackedLinear(nn.Linear):
    """A linear layer that multiplies by its packed weight, and packs it where it has changed."""

    def forward(self, states: Tensor) -> Tensor:
        """(…, in_features) → (…, out_features)."""
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else self.weight.dtype
        if dtype not in _PACKABLE or self.weight.device.type != "cpu" or self.weight.is_inference():
            return linear(states, self.weight, self.bias)
        packed = self._packed(dtype)
        return packed_linear(states.to(dtype), packed.weight, packed.bias)

    def _packed(self, dtype: torch.dtype) -> _Packed:
        changes = (count_changes(self.weight), None if self.bias is None else count_changes(self.bias))
        state = (self.weight.data_ptr(), changes, dtype)
        packed = _PACKED.get(self)
        if packed is None or packed.state != state:
            weight, bias = self.weight.detach(), None if self.bias is None else self.bias.detach().to(dtype)
            packed = _PACKED[self] = _Packed(state, weight, pack_weight(weight.to(dtype)), bias)
        return packed


@contextmanager
def packed_linears(model: nn.Module) -> Iterator[None]:
    """Let the linear layers of a model use packed weights inside the context, where the CPU has them.

    Packed weights are kept as long as the model. They are packed anew where a weight was changed in place since, as by
    an optimizer or `load_state_dict`; what is changed past PyTorch's count of changes (`weight.data`) is not seen.

    Args:
        model: on any device; others than CPUs stay as they are.
    """
    modules = modules_of(model, [nn.Linear]) if _can_pack(model) else []
    switch_class(modules, PackedLinear)
    try:
        yield
    finally:
        switch_class(modules, nn.Linear)


def _can_pack(model: nn.Module) -> bool:
    first = next(model.parameters(), None)
    return (
        first is not None
        and first.device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and torch.backends.cpu.get_cpu_capability() in _CAPABILITIES
    )
