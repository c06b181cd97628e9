"""The kit's only `Trainer` subclass: exact losses, exact order, valid checkpoints, real tokens counted."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import DistributedType
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainingArguments
from transformers.trainer import DEFAULT_PROGRESS_CALLBACK

from ..compat.torch import set_distributed_timeout
from ..compat.trainer import BestCheckpointTrainer, RunningLoss
from ..contract import Batch, Forward, Outputs, call_model
from ..errors import OutputError
from ..modeling.loading import names_in_memory, quiet_transformers
from ..modeling.precision import evaluation_dtype, forward_in
from ..modeling.sharding import prepare_for_fsdp
from ..reporting.schema import Score
from .agreement import agreement
from .arguments import adapt_arguments
from .best_metric import record_best
from .checkpointing import CheckpointCallback, is_complete, load_complete, load_state, restore_callbacks, resume_hint
from .compiled import begin_compiled_step, compile_by_layer
from .finite import LossWatch, non_finite_loss
from .loss import Loss
from .memory import evaluation_memory
from .meter import Meter
from .mismatch import mismatch_explained
from .noise import misleading_warnings_dropped
from .optimizer import group_settings, split_by_lr
from .outputs import collect_outputs
from .peers import is_lost_process
from .progress import ProgressView
from .sampling import EpochCallback, EpochSampler, train_loader
from .stopping import StopCallback, StopSignals

_MIN_ITEMS = 1e-12  # divisor of the loss of a batch in which no example counts, so that it is 0


class KitTrainer(BestCheckpointTrainer):
    """`Trainer` with the recipe's loss, stateless order, and outputs of one row an example.

    Args:
        loss: of the recipe.
        forward: model and batch → outputs of one row an example.
        args: the Trainer's arguments; a copy is adapted to the device and to the kit's checkpoints.
        glossary: scores to show of an evaluation.
        lr_multiplier: name of a parameter → factor of its learning rate; none means the same for all.
        fingerprint: what checkpoints are made with.
        settings: further arguments of `Trainer`.
    """

    loss_is_scaled_for_ga = True  # compute_loss divides by the items of the whole accumulated batch

    def __init__(
        self,
        *,
        loss: Loss,
        args: TrainingArguments,
        forward: Forward = call_model,
        glossary: Sequence[Score] = (),
        lr_multiplier: Callable[[str], float] | None = None,
        fingerprint: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(args=adapt_arguments(args), **settings)
        if self.is_fsdp_enabled:
            prepare_for_fsdp(self.model, self.accelerator.state.fsdp_plugin)
        compile_by_layer(self.accelerator, self.args, self.model)
        if self.args.device.type == "cpu":
            set_distributed_timeout(self.args.ddp_timeout)
        self._loss, self._forward, self._evaluating_forward = loss, forward, forward_in(evaluation_dtype(args), forward)
        self._lr_multiplier = lr_multiplier
        self._meter = Meter()
        self._losses = LossWatch()
        self._signals = StopSignals()
        self._epochs = EpochCallback()
        self._checkpoints = CheckpointCallback(
            RunningLoss(self), fingerprint or {}, args.save_total_limit, self.accelerator.wait_for_everyone
        )
        agree = agreement(self.accelerator.gather, self.args.device, self.args.world_size)
        self._stop = StopCallback(self._signals, agree)
        self._view = ProgressView(glossary, plain=self.args.disable_tqdm)
        for callback in (DEFAULT_PROGRESS_CALLBACK, PrinterCallback):
            self.remove_callback(callback)
        for added in (self._view, self._stop, self._meter, self._epochs, self._checkpoints):
            self.add_callback(added)

    @property
    def on_xla(self) -> bool:
        """Whether the device compiles every new shape, so that shapes must be fixed."""
        return bool(self.accelerator.distributed_type == DistributedType.XLA)

    @property
    def is_usable(self) -> bool:
        """Whether the state of Accelerate is there, which new `TrainingArguments` reset for all of a process."""
        return hasattr(self.accelerator.state, "distributed_type")

    # Training

    @property
    def training_seconds(self) -> float:
        """Seconds of the steps alone, without evaluations and checkpoints."""
        return self._meter.clock.seconds

    @property
    def stopped_by(self) -> int | None:
        """Signal that has ended the training early."""
        return self._stop.signal if self.state.global_step < self.state.max_steps else None

    def train(self, resume_from_checkpoint: str | None = None, **settings: Any) -> Any:  # type: ignore[override]
        """`Trainer.train`; a checkpoint of the last step is loaded, and not trained further as the Trainer would do.

        Raises:
            OutputError: a checkpoint could not be written.
        """
        checkpoint = None if resume_from_checkpoint is None else Path(resume_from_checkpoint)
        if checkpoint is not None:
            state, callbacks = load_state(checkpoint), self.callback_handler.callbacks
            restore_callbacks(state, callbacks)
            if is_complete(state, self.args, callbacks):
                with mismatch_explained(checkpoint, self._checkpoints):
                    self.state = load_complete(self.model, checkpoint, self.args.load_best_model_at_end)
                return None
        self._checkpoints.resumed_from = checkpoint
        try:
            with self._signals, misleading_warnings_dropped(), mismatch_explained(checkpoint, self._checkpoints):
                output = super().train(resume_from_checkpoint, **settings)
                self._losses.check()
                return output
        except (OSError, RuntimeError, SafetensorError) as error:
            if not self._checkpoints.is_writing or is_lost_process(error):
                raise
            step, run = self.state.global_step, Path(str(self.args.output_dir))
            raise OutputError(
                f"The checkpoint of step {step:,} could not be written: {error}. {resume_hint(run)}"
            ) from error
        finally:
            self._meter.clock.pause()
            self._view.close()

    # Order

    def train_sampler(self) -> EpochSampler:
        """Return the sampler of the training examples, a pure function of (seed, epoch)."""
        args = self.args
        dataset: Any = self.train_dataset
        seed = args.seed if args.data_seed is None else args.data_seed
        multiple_of = args.world_size * args.train_batch_size if args.world_size > 1 or self.on_xla else 1
        return EpochSampler(len(dataset), seed, multiple_of)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of an epoch in the order of `train_sampler`."""
        args = self.args
        dataset: Any = self.train_dataset
        self._epochs.sampler = self.train_sampler()
        loader = train_loader(dataset, self._epochs.sampler, self.data_collator, args)
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    # Optimizer

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """`Trainer.create_optimizer`, with the learning rate of each parameter times `lr_multiplier` of its name."""
        first, multiplier = self.optimizer is None, self._lr_multiplier
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        if first and multiplier is not None:
            trained: Any = self.model if model is None else model
            names = {id(parameter): name for name, parameter in trained.named_parameters()}
            split_by_lr(optimizer, lambda parameter: multiplier(names[id(parameter)]))
        self._checkpoints.settings = group_settings(optimizer) if first else self._checkpoints.settings
        return optimizer

    # Loss

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], Any]:
        """Return the micro-batches of a step, and the number of items of each loss term over all processes."""
        batches = list(islice(epoch_iterator, num_batches))
        return batches, self.count_items(batches, device)

    def count_items(self, batches: list[Batch], device: torch.device) -> dict[str, Tensor] | None:
        """Count the items of every loss term, and the real tokens, over all micro-batches and processes."""
        if not batches:
            return None
        rows = []
        for batch in batches:
            counted = self._loss.num_items_fn(batch) | {"tokens": batch["attention_mask"].sum()}
            rows.append(torch.stack(list(counted.values())))
            self._end_graph()
        counts = torch.stack(rows).sum(0)
        if self.args.world_size > 1:
            counts = self.accelerator.reduce(counts.to(device), reduction="sum")
        items = dict(zip(counted, counts.to(device), strict=True))
        self._meter.add(items.pop("tokens"))
        return items

    def training_step(self, *arguments: Any, **settings: Any) -> Tensor:
        """`Trainer.training_step`, which on XLA ends the graph of a micro-batch."""
        begin_compiled_step(self.args)
        loss = super().training_step(*arguments, **settings)
        self._end_graph()
        return loss

    def _end_graph(self) -> None:
        """End the graph of a micro-batch on XLA; that of a whole step would be new for each sequence of lengths."""
        if self.on_xla and self.args.gradient_accumulation_steps > 1:
            import_module("torch_xla").sync()

    def compute_loss(
        self, model: nn.Module, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the share of this micro-batch in the loss of the effective batch.

        It is multiplied by the number of processes, over which gradients are averaged.
        """
        outputs = self._forward(model, inputs)
        counts = num_items_in_batch if num_items_in_batch is not None else self._loss.num_items_fn(inputs)
        sums = self._loss.sum_fn(outputs)
        terms = {name: value / counts[name].clamp(min=_MIN_ITEMS) for name, value in sums.items()}
        loss = torch.stack(list(terms.values())).sum()
        if not self.on_xla:
            self._losses.add(self.state.global_step + 1, self._rate, terms)
        loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _rate(self) -> float:
        return float(self.lr_scheduler.get_last_lr()[0]) if self.lr_scheduler is not None else math.nan

    # Evaluation

    def prediction_step(
        self, model: nn.Module, inputs: Batch, prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> Any:
        """Return what each example contributes; `compute_metrics` sums it up.

        No loss is returned: the Trainer would average the means of batches, which depends on the batch size, and drop
        those that are not finite.
        """
        with torch.no_grad(), self.compute_loss_context_manager():
            outputs = self._evaluating_forward(model, inputs)
        return None, tuple(value.detach() for value in outputs.to_tuple() if value is not None), None

    def evaluation_loop(self, *arguments: Any, **settings: Any) -> Any:
        """`Trainer.evaluation_loop`, whose outputs are kept in one buffer each."""
        return collect_outputs(self, super().evaluation_loop, *arguments, **settings)

    def evaluate(self, *arguments: Any, **settings: Any) -> dict[str, float]:
        """`Trainer.evaluate`, not counted in the training time."""
        self._losses.check()
        with self._meter.clock.paused(), evaluation_memory(self.args, str(self.args.output_dir)):
            return super().evaluate(*arguments, **settings)

    def is_new_best(self) -> bool:
        """As `record_best`."""
        return record_best(self.state, self.args)

    def outputs(self, dataset: Any) -> Outputs:
        """Return the outputs of the model for all examples, (examples, …) by field, without scoring them."""
        scorer, self.compute_metrics = self.compute_metrics, None
        try:
            predictions: Any = self.predict(dataset).predictions
        finally:
            self.compute_metrics = scorer
        return tuple(predictions) if isinstance(predictions, tuple | list) else (predictions,)

    # Saving

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """`Trainer.save_model` without a progress bar of its own; with it, the Trainer begins a checkpoint."""
        if _internal_call:
            self._losses.check()
            self._meter.clock.pause()
            self.state.num_input_tokens_seen, self._checkpoints.is_writing = self._meter.tokens, True
        with quiet_transformers(), names_in_memory(self.model) if _internal_call else nullcontext():
            super().save_model(output_dir, _internal_call)

    def create_model_card(self, *arguments: Any, **settings: Any) -> None:
        """Leave README.md to the recipe, whose card has all scores; `Trainer.push_to_hub` would write its own."""

    # Log

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add real tokens seen and, since the last log, real tokens per second of training."""
        if "loss" in logs:
            self._losses.check()
            if not math.isfinite(logs["loss"]):
                raise non_finite_loss(self.state.global_step + 1, self._rate(), {"loss": logs["loss"]})
            logs["tokens_per_second"] = round(self._meter.tokens_per_second(), 1)
            self.state.num_input_tokens_seen = self._meter.tokens
        super().log(logs, start_time)
