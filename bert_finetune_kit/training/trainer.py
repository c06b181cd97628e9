"""The kit's only `Trainer` subclass: exact losses, exact order, real tokens counted."""

import copy
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from accelerate import DistributedType
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import ProgressCallback, Trainer, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, rotate_checkpoints

from ..errors import NonFiniteLossError, OutputError
from ..modeling.loading import quiet_transformers
from ..modeling.sharding import prepare_for_fsdp
from ..reporting.report import Score
from .checkpoints import STAGING, newest_whole, seal
from .progress import ProgressView
from .sampling import EpochSampler
from .stopping import StopCallback, StopSignals

Batch = dict[str, Tensor]

_LEAST_COUNT = 1e-12  # by which to divide the loss of a batch in which no example counts: 0


@dataclass(frozen=True)
class Loss:
    """A loss of one or more terms, each the mean over its own items of the whole effective batch.

    `Trainer` averages the means of micro-batches, which weighs a token by the batch it happens to be in; and for BERT's
    heads it even takes their sum. Here each term is summed, and divided once by the number of its items in all
    micro-batches of all processes. 16 × 1, 4 × 4 and 2 processes × 8 so give one gradient.
    """

    sums: Callable[[Any], dict[str, Tensor]]
    """Output of the model → summed loss by term."""
    counts: Callable[[Batch], dict[str, Tensor]]
    """Batch → number of items by term."""


class Stopwatch:
    """Seconds since it was made, less the time it was paused."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._paused = 0.0

    def seconds(self) -> float:
        """Return the seconds that counted so far."""
        return time.perf_counter() - self._started - self._paused

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time spent inside."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - started


class KitTrainer(Trainer):
    """`Trainer` with the recipe's loss, stateless order, and a model whose outputs are already one row an example."""

    loss_is_scaled_for_ga = True  # compute_loss divides by the items of the whole accumulated batch

    def __init__(
        self,
        *,
        loss: Loss,
        args: TrainingArguments,
        glossary: Sequence[Score] = (),
        rate_of: Callable[[str], float] | None = None,
        fingerprint: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        args = copy.copy(args)
        if args.device.type in ("cpu", "xla"):
            args.dataloader_pin_memory = False  # there is nothing to pin for, and torch warns of it at each epoch
        if args.device.type == "xla" and args.eval_accumulation_steps is None:
            args.eval_accumulation_steps = 1  # outputs kept on the device would grow: a new shape for every batch
        # The recipe pushes, once everything is on the disk; the Trainer would write the token into training_args.bin.
        args.push_to_hub, args.hub_token = False, None
        if args.ddp_find_unused_parameters is None:
            args.ddp_find_unused_parameters = False  # every weight takes part in every loss
        super().__init__(args=args, **settings)
        if self.is_fsdp_enabled:
            prepare_for_fsdp(self.model, self.accelerator.state.fsdp_plugin)
        self._loss = loss
        self._rate_of = rate_of
        self._fingerprint = fingerprint or {}
        self._staging: Path | None = None  # where a checkpoint is being written
        self._signals = StopSignals()
        self._stop = StopCallback(self._signals, self._agree_on)
        self._real_tokens = 0
        self._clock = Stopwatch()
        self.training_seconds = 0.0
        """Of the steps alone, without evaluations and checkpoints."""
        self._logged = (0, 0.0)  # real tokens and seconds of training at the last log
        for callback in (ProgressCallback, PrinterCallback):
            self.remove_callback(callback)
        self._view = ProgressView(glossary, plain=self.args.disable_tqdm)
        self.add_callback(self._view)
        self.add_callback(self._stop)

    @property
    def on_xla(self) -> bool:
        """Whether the device compiles every new shape, so that shapes must be fixed."""
        return self.accelerator.distributed_type == DistributedType.XLA

    # Order

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
        dataset: Any = train_dataset if train_dataset is not None else self.train_dataset
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        fill = self.args.world_size * self.args.train_batch_size if self.args.world_size > 1 or self.on_xla else 1
        self._sampler = EpochSampler(len(dataset), seed, fill)
        return self._sampler

    def train(self, resume_from_checkpoint: str | None = None, **settings: Any) -> Any:  # type: ignore[override]
        """`Trainer.train`; a checkpoint of the last step is loaded and not trained on, as the Trainer would."""
        if resume_from_checkpoint is not None:
            state = TrainerState.load_from_json(str(Path(resume_from_checkpoint) / TRAINER_STATE_NAME))
            steps, epochs = self.args.max_steps, self.args.num_train_epochs
            if state.global_step >= steps if steps > 0 else (state.epoch or 0) >= epochs:
                self._load_from_checkpoint(resume_from_checkpoint)
                self.state = state
                return None
        return super().train(resume_from_checkpoint, **settings)

    def _inner_training_loop(self, *arguments: Any, **settings: Any) -> Any:
        self._clock = Stopwatch()
        try:
            with self._signals:
                return super()._inner_training_loop(*arguments, **settings)
        finally:
            self.training_seconds = self._clock.seconds()
            self._view.close()

    @property
    def stopped_by(self) -> int | None:
        """Signal that has ended the training before its time."""
        return self._stop.signal if self.state.global_step < self.state.max_steps else None

    def _agree_on(self, signal: int | None) -> int | None:
        """Return the signal that any of the processes has got."""
        if self.args.world_size == 1:
            return signal
        return int(self.accelerator.gather(torch.tensor([signal or 0], device=self.args.device)).max()) or None

    def _init_training_state(self, *arguments: Any, **settings: Any) -> tuple[int, int]:
        started = super()._init_training_state(*arguments, **settings)
        self._real_tokens = self.state.num_input_tokens_seen  # more than 0 where a run is resumed
        self._logged = (self._real_tokens, 0.0)
        return started

    def _run_epoch(self, **settings: Any) -> None:  # type: ignore[override]
        # Accelerate forgets to hand the epoch down when it skips batches of several processes to resume.
        self._sampler.set_epoch(settings["epoch"])
        checkpoint = settings["resume_from_checkpoint"]
        if checkpoint is not None and settings["epoch"] == settings["epochs_trained"]:
            self._load_running_loss(Path(checkpoint))
        super()._run_epoch(**settings)

    def _get_collator_with_removed_columns(self, data_collator: Any, description: str | None = None) -> Any:
        return data_collator  # examples hold nothing but what the collator takes

    # Optimizer

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """`Trainer.create_optimizer`, with a learning rate for each parameter that `rate_of` its name multiplies."""
        first = self.optimizer is None
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        if first and self._rate_of is not None:
            whole: Any = self.model if model is None else model
            names = {id(parameter): name for name, parameter in whole.named_parameters()}
            split_by_rate(optimizer, lambda parameter: self._rate_of(names[id(parameter)]))  # type: ignore[misc]
        return optimizer

    # Loss

    def _get_num_items_in_batch(self, batch_samples: list[Batch], device: torch.device) -> Any:
        """Count the items of every loss term, and the real tokens, over all micro-batches and processes."""
        if not batch_samples:
            return None
        names = [*self._loss.counts(batch_samples[0]), "tokens"]
        rows = []
        for batch in batch_samples:
            rows.append(torch.stack([*self._loss.counts(batch).values(), batch["attention_mask"].sum()]))
            self._end_graph()
        counts = torch.stack(rows).sum(0)
        if self.args.world_size > 1:
            counts = self.accelerator.reduce(counts.to(device), reduction="sum")
        items = dict(zip(names, counts.to(device), strict=True))
        self._real_tokens = self._real_tokens + items.pop("tokens")
        return items

    def training_step(self, *arguments: Any, **settings: Any) -> Tensor:
        """`Trainer.training_step`, which on XLA ends the graph of a micro-batch."""
        loss = super().training_step(*arguments, **settings)
        self._end_graph()
        return loss

    def _end_graph(self) -> None:
        """End the graph of a micro-batch on XLA.

        The graph of a whole accumulated step would be a new one for each sequence of the lengths of its micro-batches.
        """
        if self.on_xla and self.args.gradient_accumulation_steps > 1:
            import_module("torch_xla").sync()

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the share of this micro-batch in the loss of the effective batch.

        It is multiplied by the number of processes, over which gradients are averaged.
        """
        outputs = model(**inputs)
        counts = num_items_in_batch if num_items_in_batch is not None else self._loss.counts(inputs)
        terms = {name: value / counts[name].clamp(min=_LEAST_COUNT) for name, value in self._loss.sums(outputs).items()}
        loss = torch.stack(list(terms.values())).sum()
        if not self.on_xla and not torch.isfinite(loss):
            raise NonFiniteLossError(self._diagnose({name: value.item() for name, value in terms.items()}))
        loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _diagnose(self, terms: dict[str, float]) -> str:
        step, rate = self.state.global_step + 1, self._get_learning_rate() if self.lr_scheduler else math.nan
        values = ", ".join(f"{name} {value}" for name, value in terms.items())
        return (
            f"The loss is not finite at step {step} ({values}; learning rate {rate:.2e}). Likely causes, most likely "
            "first: the learning rate is too high (try a tenth of it, or more warmup_steps); fp16 overflows (try bf16 "
            "or fp32); the weights that training started from hold NaN. Checkpoints saved before this step are whole."
        )

    # Evaluation

    def prediction_step(
        self, model: nn.Module, inputs: Batch, prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> Any:
        """Return what each example contributes; `compute_metrics` sums it up.

        No loss is returned: the Trainer would average the means of batches, which depends on the batch size, and drop
        those that are not finite.
        """
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            outputs = model(**inputs)
        rows = tuple(value.detach() for value in outputs.to_tuple() if value is not None)
        # The Trainer computes metrics only where there are labels; the outputs have already met theirs.
        return None, rows, rows[0].reshape(len(rows[0]), -1)[:, :1]

    def evaluate(self, *arguments: Any, **settings: Any) -> dict[str, float]:
        """`Trainer.evaluate`, left out of the training time."""
        with self._clock.paused():
            return super().evaluate(*arguments, **settings)

    # Checkpoints

    def _get_output_dir(self, trial: Any) -> str:
        return str(super()._get_output_dir(trial) if self._staging is None else self._staging)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """`Trainer._save_checkpoint`, written aside and named once it is whole."""
        run = Path(self._get_output_dir(trial))
        name = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        with self._clock.paused():
            try:
                if self.args.should_save:
                    shutil.rmtree(run / STAGING, ignore_errors=True)
                self.accelerator.wait_for_everyone()
                self._staging = run / STAGING
                super()._save_checkpoint(model, trial)
                self.accelerator.wait_for_everyone()
                self._finish_checkpoint(run / name)
            except (OSError, RuntimeError, SafetensorError) as error:
                raise OutputError(self._not_saved(run, error)) from error
            finally:
                self._staging = None
        self.accelerator.wait_for_everyone()

    def _finish_checkpoint(self, final: Path) -> None:
        written = final.parent / STAGING / final.name
        if self.state.best_model_checkpoint == str(written):
            self.state.best_model_checkpoint = str(final)
        if not self.args.should_save:
            return
        self.state.save_to_json(str(written / TRAINER_STATE_NAME))
        if final.exists():  # a torn one, or one of the same step
            final.replace(final.parent / STAGING / "before")
        seal(written, final, self._fingerprint)
        shutil.rmtree(final.parent / STAGING, ignore_errors=True)
        rotate_checkpoints(
            str(final.parent), self.args.save_total_limit, self.state.best_model_checkpoint, use_mtime=True
        )

    def _not_saved(self, run: Path, error: Exception) -> str:
        last, _ = newest_whole(run)
        where = f"The last whole checkpoint is {last}" if last else "There is no whole checkpoint yet"
        return (
            f"The checkpoint of step {self.state.global_step:,} could not be written: {error}. {where}. See to the "
            f"disk of {run} (space, rights, whether the folder is there), and go on with resume=True (--resume)."
        )

    def _save_rng_state(self, output_dir: str) -> None:
        """`Trainer._save_rng_state`, and beside it the loss since the last log, which the Trainer would forget."""
        super()._save_rng_state(output_dir)
        told = {"loss": self._tr_loss.item(), "logged": self._globalstep_last_logged}
        Path(output_dir, self._running_loss_file).write_text(json.dumps(told), "utf-8")

    @property
    def _running_loss_file(self) -> str:
        return f"running_loss_{self.args.process_index}.json"

    def _load_running_loss(self, checkpoint: Path) -> None:
        file = checkpoint / self._running_loss_file
        if file.exists():  # not where there are more processes now
            told = json.loads(file.read_text("utf-8"))
            self._tr_loss += told["loss"]
            self._globalstep_last_logged = told["logged"]

    def _load_best_model(self) -> None:
        if self.stopped_by is None:
            super()._load_best_model()

    def save_model(self, *arguments: Any, **settings: Any) -> None:
        """`Trainer.save_model` without a progress bar of its own."""
        with quiet_transformers():
            super().save_model(*arguments, **settings)

    def create_model_card(self, *arguments: Any, **settings: Any) -> None:
        """Leave README.md to the recipe, whose card has all scores; `Trainer.push_to_hub` would write its own."""

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Warn of missing weights, not of tied ones, which a checkpoint holds once."""
        tied = set(getattr(self.model, "_tied_weights_keys", None) or ())
        load_result.missing_keys[:] = [key for key in load_result.missing_keys if key not in tied]
        super()._issue_warnings_after_load(load_result)

    # Log

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add real tokens seen and, since the last log, real tokens per second of training."""
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise NonFiniteLossError(self._diagnose({"loss": logs["loss"]}))
            tokens, seconds = int(self._real_tokens), self._clock.seconds()
            logs["tokens_per_second"] = round((tokens - self._logged[0]) / max(seconds - self._logged[1], 1e-9), 1)
            self._logged = (tokens, seconds)
            self.state.num_input_tokens_seen = tokens
        super().log(logs, start_time)


def split_by_rate(optimizer: torch.optim.Optimizer, multiplier: Callable[[Tensor], float]) -> None:
    """Split the parameter groups of a fresh optimizer by learning rate, the highest first."""
    groups: dict[tuple[float, int], dict[str, Any]] = {}
    for number, group in enumerate(optimizer.param_groups):
        for parameter in group["params"]:
            rate = multiplier(parameter)
            ours = groups.setdefault((-rate, number), {**group, "params": [], "lr": group["lr"] * rate})
            ours["params"].append(parameter)
    optimizer.param_groups.clear()
    for key in sorted(groups):
        optimizer.add_param_group(groups[key])
