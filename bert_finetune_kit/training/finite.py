"""The first loss of a training that is not finite, found without waiting for a GPU in each step."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..errors import NonFiniteLossError


class LossWatch:
    """Keeps the step, the learning rate and the terms of the first loss that is NaN or infinite, on its device.

    On a CPU it is read in each step. On a GPU the read would wait for the step, so it is read where the device is
    waited for anyway, at logs, and before a checkpoint is written. The error names the same step and terms.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._first: Tensor | None = None  # (2 + terms,) float32: step, learning rate, terms
        self._found: Tensor | None = None  # bool

    def add(self, step: int, rate: Callable[[], float], terms: Mapping[str, Tensor]) -> None:
        """Look at the loss of a micro-batch.

        Args:
            step: of the optimizer, from 1.
            rate: returns the learning rate.
            terms: of the loss, scalar tensors.

        Raises:
            NonFiniteLossError: on a CPU, it is not finite.
        """
        values = torch.stack([value.detach() for value in terms.values()]).float()
        if values.device.type == "cpu":
            if not torch.isfinite(values.sum()):
                raise non_finite_loss(step, rate(), dict(zip(terms, values.tolist(), strict=True)))
            return
        found = ~torch.isfinite(values.sum())
        now = torch.cat([values.new_full((1,), number) for number in (step, rate())] + [values])
        if self._first is None or self._found is None:
            self._names, self._first, self._found = tuple(terms), now, found
        else:
            self._first = torch.where(self._found, self._first, now)
            self._found = self._found | found

    def check(self) -> None:
        """Wait for the device.

        Raises:
            NonFiniteLossError: a loss was not finite.
        """
        if self._first is not None and self._found is not None and self._found.item():
            step, rate, *values = self._first.tolist()
            raise non_finite_loss(int(step), rate, dict(zip(self._names, values, strict=True)))


def non_finite_loss(step: int, learning_rate: float, terms: Mapping[str, float]) -> NonFiniteLossError:
    """Return the error of a loss that is NaN or infinite.

    Args:
        step: of the optimizer, from 1.
        learning_rate: at this step; NaN where there is none.
        terms: value of each term of the loss.
    """
    values = ", ".join(f"{name} {value}" for name, value in terms.items())
    return NonFiniteLossError(
        f"The loss is not finite at step {step} ({values}; learning rate {learning_rate:.2e}). Likely causes, most "
        "likely first: the learning rate is too high (try a tenth of it, or more warmup_steps); fp16 overflows (try "
        "bf16 or fp32); the weights that training started from hold NaN. Checkpoints saved before this step are valid."
    )
