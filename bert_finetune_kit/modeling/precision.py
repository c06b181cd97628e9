"""Of which type the weights are that a training changes, and predictions in 16 bits."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
from torch import float32, nn

_NATIVE_BFLOAT16 = ("avx512_bf16", "amx_bf16")  # as torch names what x86 processors have


class _Settings(Protocol):
    """`TrainingArguments`, of them these."""

    bf16_full_eval: bool
    fp16_full_eval: bool


def precision_notes(model: nn.Module) -> tuple[str, ...]:
    """Return a note where weights that are trained have fewer bits than float32."""
    kinds = {parameter.dtype for parameter in model.parameters() if parameter.requires_grad} - {float32}
    kinds = {kind for kind in kinds if kind.is_floating_point and kind.itemsize < float32.itemsize}
    if not kinds:
        return ()
    names = " and ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds))
    return (
        f"the weights are {names}, and are trained and saved so: a step that is smaller than a rounding changes "
        "nothing. For full precision load the model with dtype=torch.float32; bf16=True in the Trainer's arguments "
        "then computes in 16 bits",
    )


def evaluation_dtype(settings: _Settings) -> torch.dtype | None:
    """Return the type that `bf16_full_eval` or `fp16_full_eval` asks for; none means that of the weights."""
    if settings.bf16_full_eval:
        return torch.bfloat16
    return torch.float16 if settings.fp16_full_eval else None


def forward_in(dtype: torch.dtype | None, forward: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a forward whose matrix products are in another type; weights, norms and logits keep theirs (autocast).

    Args:
        dtype: bfloat16 or float16; none returns the forward as it is.
        forward: model and batch → outputs.
    """
    return forward if dtype is None else partial(_autocast, dtype, forward)


def _autocast(dtype: torch.dtype, forward: Callable[[Any, Any], Any], model: Any, batch: Any) -> Any:
    kind = next(model.parameters()).device.type
    if kind == "cpu" and dtype == torch.bfloat16:
        warn_of_emulation()
    with torch.autocast(kind, dtype):
        return forward(model, batch)


def warn_of_emulation() -> None:
    """Warn once if the processor has no bfloat16, so that every product in it is emulated.

    Torch 2.13 is the first that tells what a processor has; where it does not, nothing is known.
    """
    has: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if has.get("architecture") == "x86_64" and not any(has.get(name) for name in _NATIVE_BFLOAT16):
        warnings.warn(
            "This processor has no bfloat16 (no AVX512-BF16 or AMX), so that bf16_full_eval is emulated and slows "
            "predictions down: leave it out.",
            stacklevel=2,
        )
