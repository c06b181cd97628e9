"""One training, of one phase or several, from prepared data to its outcome."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, cast

from transformers import TrainerCallback, TrainingArguments

from ..contract import BuiltModel, Collator, DataT, PreparedData
from ..errors import RunStopped, raise_faults
from ..modeling.packing import PartsCollator
from ..modeling.unpadding import with_packing
from ..reporting.optional import attempt
from ..runs.checkpoints import latest_valid_checkpoint, saved_fingerprint
from ..runs.differences import differences
from .checkpointing import is_complete, load_state
from .checks import gpu_faults
from .compiled import is_compiled
from .logs import is_evaluation
from .loss import Loss
from .memory import training_memory
from .peers import lost_processes_told
from .saving import no_empty_folder
from .schedule import schedule_rows
from .timing import Timings
from .trainer import KitTrainer
from .unused import with_unused_weights

STEPS, EVALUATIONS = "training", "evaluation and checkpoints"


@dataclass(frozen=True)
class Phase(Generic[DataT]):
    """A part of a training with data and arguments of its own."""

    data: DataT
    args: TrainingArguments


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training ended with."""

    trainer: KitTrainer
    """Of the last phase, with the weights to save."""
    data: PreparedData
    """Of the last phase."""
    logs: tuple[dict[str, Any], ...]
    """The Trainer's log; with several phases each entry has its `phase`, from 1."""
    steps: int
    """Optimizer steps of all phases."""
    schedule: tuple[dict[str, float], ...] = ()
    """`step` and `learning_rate`, with several phases `phase`, at some of the steps; see `schedule_rows`."""


TrainerBuilder = Callable[[Phase[DataT]], KitTrainer]


def build_trainer(
    phase: Phase[DataT],
    built: BuiltModel,
    loss: Loss,
    compute_metrics: Callable[[Any], dict[str, float]],
    callbacks: Sequence[TrainerCallback] = (),
    lr_multiplier: Callable[[str], float] | None = None,
    fingerprint: Mapping[str, Any] | None = None,
) -> KitTrainer:
    """Configure the Trainer of a phase.

    Args:
        phase: its data and arguments.
        built: the model to train.
        loss: of the recipe.
        compute_metrics: the Trainer's `EvalPrediction` → scores.
        callbacks: of the recipe and its user.
        lr_multiplier: name of a parameter → factor of its learning rate.
        fingerprint: what the checkpoints are made with.
    """
    args, splits = phase.args, cast(Any, dict(phase.data.validation))
    raise_faults([*gpu_faults(args)], "TrainingArguments")
    with no_empty_folder(args):
        return KitTrainer(
            loss=loss,
            model=built.model,
            forward=built.forward,
            args=with_unused_weights(args, built, phase.data, loss),
            data_collator=training_collator(phase.data.collator, built.model, args),
            train_dataset=phase.data.train,
            eval_dataset=(splits if len(splits) > 1 else next(iter(splits.values()), None)),
            processing_class=phase.data.tokenizer,
            compute_metrics=compute_metrics,
            callbacks=list(callbacks),
            glossary=phase.data.glossary,
            lr_multiplier=lr_multiplier,
            fingerprint=fingerprint,
        )


def training_collator(collator: Collator, model: Any, args: TrainingArguments) -> Callable[[list[Any]], Any]:
    """Return the collator of a Trainer: its batches hold all that a forward would have to ask the device for.

    Args:
        collator: of the data.
        model: to be trained.
        args: the Trainer's arguments.
    """
    config: Any = args.accelerator_config
    if config.dispatch_batches:
        return PartsCollator(collator)
    return with_packing(collator, model, args.device, is_compiled(args))


def fit(
    phases: Sequence[Phase[DataT]],
    build: TrainerBuilder[DataT],
    checkpoint: Path | None = None,
    timings: Timings | None = None,
    fingerprint: Mapping[str, Any] | None = None,
) -> TrainingOutcome:
    """Train phase after phase.

    Args:
        phases: one or more, each with a folder of its own in its arguments.
        build: phase → its Trainer; all train the same model.
        checkpoint: of the first phase, to resume from. A later phase resumes from the newest valid one in its folder if
            the phase before had ended, and if it was made with the same fingerprint.
        timings: gets the seconds of steps, and of evaluations and checkpoints.
        fingerprint: of the run.

    Raises:
        RunStopped: a signal was received, and the state is saved.
    """
    timings = timings or Timings()
    logs: list[dict[str, Any]] = []
    schedule: list[dict[str, float]] = []
    steps = 0
    for number, phase in enumerate(phases, start=1):
        trainer = build(phase)
        had_ended = checkpoint is not None and is_complete(load_state(checkpoint), phase.args)
        where = f"in phase {number} of {len(phases)}, " if len(phases) > 1 else ""
        _run(trainer, checkpoint, timings, where, str(phases[0].args.output_dir))
        if number < len(phases) and trainer.eval_dataset is not None and not _is_evaluated(trainer):
            with timings.stage(EVALUATIONS):
                trainer.evaluate()
        if number < len(phases):
            checkpoint = _same_run(Path(str(phases[number].args.output_dir)), fingerprint) if had_ended else None
        steps += trainer.state.global_step
        numbered = {"phase": number} if len(phases) > 1 else {}
        logs += [log | numbered for log in trainer.state.log_history]
        schedule += [row | numbered for row in _schedule(phase.args, trainer)]
    return TrainingOutcome(trainer, phase.data, tuple(logs), steps, tuple(schedule))


def _schedule(args: TrainingArguments, trainer: KitTrainer) -> list[dict[str, float]]:
    """Return the learning rates of a phase; none where they cannot be told, since only a plot needs them."""
    steps, trained = trainer.state.max_steps, trainer.state.global_step
    return attempt("The schedule is not drawn", lambda: schedule_rows(args, steps, trained), "")[0] or []


def _same_run(folder: Path, fingerprint: Mapping[str, Any] | None) -> Path | None:
    """Return the newest valid checkpoint of a phase if it was made with this fingerprint."""
    checkpoint, _ = latest_valid_checkpoint(folder)
    same = checkpoint is not None and not differences(saved_fingerprint(checkpoint), fingerprint or {})
    return checkpoint if same else None


def _run(trainer: KitTrainer, checkpoint: Path | None, timings: Timings, where: str, folder: str) -> None:
    started = time.perf_counter()
    with training_memory(trainer.args, folder), lost_processes_told(trainer.args, folder):
        trainer.train(None if checkpoint is None else str(checkpoint))
    timings.add(STEPS, trainer.training_seconds)
    timings.add(EVALUATIONS, time.perf_counter() - started - trainer.training_seconds)
    if trainer.stopped_by is not None:
        name, state = signal.Signals(trainer.stopped_by).name, trainer.state
        raise RunStopped(
            f"Stopped by {name} {where}at step {state.global_step:,} of {state.max_steps:,}; the state is saved in "
            f"{folder}. Resume with resume=True, or with the same command and --resume.",
            trainer.stopped_by,
        )


def _is_evaluated(trainer: KitTrainer) -> bool:
    """Whether the last step of a training has been evaluated."""
    step = trainer.state.global_step
    return any(log["step"] == step and is_evaluation(log) for log in trainer.state.log_history)
