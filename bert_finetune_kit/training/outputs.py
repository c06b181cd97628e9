"""The outputs of an evaluation: one growing buffer each, on the device until the end."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from transformers import EvalPrediction
from transformers.trainer_utils import EvalLoopOutput, denumpify_detensorize

from ..contract import Outputs

_PADDING = -100  # as in the Trainer, of rows of different widths


class RowBuffer:
    """Rows that are appended to one tensor with room for as many again, so that few rows are copied twice."""

    def __init__(self) -> None:
        self._values: Tensor | None = None  # (capacity, …)
        self._count = 0

    @property
    def rows(self) -> Tensor | None:
        """(rows, …) so far; none where nothing was appended."""
        return None if self._values is None else self._values[: self._count]

    def append(self, rows: Tensor) -> None:
        """Copy `rows`, (rows, …), behind those that are there; wider ones widen all, with -100."""
        needed = self._count + len(rows)
        shape = rows.shape[1:]
        if self._values is not None and len(shape):
            shape = torch.Size([max(shape[0], self._values.shape[1]), *shape[1:]])
        if self._values is None or needed > len(self._values) or shape != self._values.shape[1:]:
            padding = _PADDING if rows.dtype.is_signed else 0
            grown = rows.new_full((max(needed, 2 * self._count), *shape), padding)
            if self.rows is not None:
                _copy(self.rows, grown[: self._count])
            self._values = grown
        _copy(rows, self._values[self._count : needed])
        self._count = needed


def _copy(rows: Tensor, target: Tensor) -> None:
    """Copy rows into the first columns of `target`, which may be wider."""
    (target if rows.shape == target.shape else target[:, : rows.shape[1]]).copy_(rows)


class OutputBuffers:
    """Outputs of all batches of an evaluation."""

    def __init__(self, steps_on_device: int | None = None) -> None:
        self._steps_on_device = steps_on_device
        """After how many batches the outputs move to the memory of the CPU; none means at the end."""
        self._device: list[RowBuffer] = []
        self._host: list[RowBuffer] = []
        self._steps = 0

    def append(self, outputs: Sequence[Tensor]) -> None:
        """Add the outputs of a batch, (rows, …) each."""
        if self._steps_on_device == 1:  # a buffer on the device would be another shape for XLA to compile
            _append(self._host, [rows.cpu() for rows in outputs])
            return
        _append(self._device, outputs)
        self._steps += 1
        if self._steps_on_device is not None and self._steps % self._steps_on_device == 0:
            self._to_host()

    def _to_host(self) -> None:
        if self._device:
            _append(self._host, [buffer.rows.cpu() for buffer in self._device if buffer.rows is not None])
            self._device = []

    def arrays(self) -> Outputs:
        """Return the outputs, (rows, …) each; nothing where there was no batch."""
        self._to_host()
        rows = [buffer.rows for buffer in self._host if buffer.rows is not None]
        return tuple((value.float() if value.dtype == torch.bfloat16 else value).numpy() for value in rows)


def _append(buffers: list[RowBuffer], outputs: Sequence[Tensor]) -> None:
    if not buffers:
        buffers += [RowBuffer() for _ in outputs]
    for buffer, rows in zip(buffers, outputs, strict=True):
        buffer.append(rows)


def collect_outputs(
    trainer: Any, loop: Callable[..., EvalLoopOutput], *arguments: Any, metric_key_prefix: str = "eval", **settings: Any
) -> EvalLoopOutput:
    """Run the Trainer's loop over batches, and score their outputs; the loop itself keeps rows of no length.

    The Trainer would copy all outputs so far with each batch.

    Args:
        trainer: whose `prediction_step` returns a tuple of tensors, (rows, …) each.
        loop: its `evaluation_loop`.
        arguments: of the loop.
        metric_key_prefix: of the scores.
        settings: further arguments of the loop.
    """
    buffers = OutputBuffers(trainer.args.eval_accumulation_steps)

    def gather(outputs: Any) -> Any:
        gathered = trainer.accelerator.gather_for_metrics(outputs)
        if not isinstance(gathered, tuple):
            return gathered
        buffers.append(gathered)
        return tuple(torch.empty(0) for _ in gathered)

    trainer.gather_function = gather  # the loop puts the Trainer's own back
    output = loop(*arguments, metric_key_prefix=metric_key_prefix, **settings)
    predictions: Any = buffers.arrays()
    scores, no_labels = {}, cast(Any, None)  # the outputs include them
    if trainer.compute_metrics is not None and predictions:
        scores = trainer.compute_metrics(EvalPrediction(predictions=predictions, label_ids=no_labels))
    prefix = f"{metric_key_prefix}_"
    named = {key if key.startswith(prefix) else prefix + key: value for key, value in scores.items()}
    metrics = denumpify_detensorize(named) | dict(output.metrics or {})
    return EvalLoopOutput(predictions, None, metrics, output.num_samples)
