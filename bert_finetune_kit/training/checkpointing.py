"""What makes the checkpoints of the Trainer valid, and what it takes to resume from them exactly."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import ExportableState
from transformers.utils import SAFE_WEIGHTS_NAME

from ..compat.trainer import RunningLoss
from ..runs.checkpoints import checkpoint_folder, finalize, latest_valid_checkpoint, rotate, step_of, validate
from .optimizer import restore_settings

_ADAPTER_WEIGHTS = "adapter_model.safetensors"


class CheckpointCallback(TrainerCallback):
    """Finishes each checkpoint after the Trainer has written it: running loss, manifest, rotation.

    Args:
        running_loss: the loss since the last log, which the Trainer does not save.
        fingerprint: what the checkpoints are made with.
        save_total_limit: how many checkpoints to keep; none means all. The Trainer's own rotation, which would delete
            a valid checkpoint before the next one is valid, must be off.
        wait: waits for all processes.
    """

    def __init__(
        self,
        running_loss: RunningLoss,
        fingerprint: Mapping[str, Any],
        save_total_limit: int | None,
        wait: Callable[[], None],
    ) -> None:
        self.running_loss = running_loss
        self.fingerprint = fingerprint
        self.save_total_limit = save_total_limit
        self.wait = wait
        self.resumed_from: Path | None = None
        self.lost_best: int | None = None
        """Step of the best checkpoint, where that was not valid when the training began."""
        self.settings: list[dict[str, Any]] = []
        """Of the parameter groups, as this run asks for them."""
        self.has_begun = False
        """Whether the checkpoint to resume from is loaded, if there is one."""
        self.is_writing = False
        """Whether the Trainer has begun a checkpoint that is not finished."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **parts: Any
    ) -> None:
        """Restore running loss and settings, and look for the best checkpoint here, wherever the folder was before."""
        self.has_begun = True
        best = best_checkpoint(state, Path(str(args.output_dir)))
        self.lost_best = state.best_global_step if best is None else None
        state.best_model_checkpoint = None if best is None else str(best)
        if self.resumed_from is not None:
            restore_settings(parts["optimizer"], parts["lr_scheduler"], self.settings)
            file = self.resumed_from / _running_loss_file(args)
            if file.exists():  # not where there are more processes than before
                self.running_loss.restore(json.loads(file.read_text("utf-8")))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Make the checkpoint valid, then delete those that are no longer needed."""
        run, step = Path(str(args.output_dir)), state.global_step
        checkpoint = checkpoint_folder(run, step)
        if self.lost_best is not None and step_of(state.best_model_checkpoint) == self.lost_best:
            state.best_model_checkpoint = None  # the Trainer takes any folder of that name
        (checkpoint / _running_loss_file(args)).write_text(json.dumps(self.running_loss.state()), "utf-8")
        self.wait()
        if args.should_save:
            finalize(checkpoint, self.fingerprint)
            rotate(run, self.save_total_limit, step, step_of(state.best_model_checkpoint) or state.best_global_step)
        self.wait()
        self.is_writing = False


def _running_loss_file(args: TrainingArguments) -> str:
    return f"running_loss_{args.process_index}.json"


def load_state(checkpoint: Path) -> TrainerState:
    """Return the Trainer's state at a checkpoint."""
    state: TrainerState = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    return state


def best_checkpoint(state: TrainerState, run: Path) -> Path | None:
    """Return the best checkpoint of a run in its own folder, which may have been moved; none if it is not valid.

    Where a step was evaluated better that has no checkpoint, it is the best of those that have one.

    Args:
        state: of the Trainer, with the place where the best checkpoint was once.
        run: folder of the run.
    """
    steps = (state.best_global_step, step_of(state.best_model_checkpoint))
    folders = [checkpoint_folder(run, step) for step in dict.fromkeys(steps) if step]
    return next((folder for folder in folders if validate(folder) is None), None)


def is_complete(state: TrainerState, args: TrainingArguments, callbacks: Sequence[TrainerCallback] = ()) -> bool:
    """Whether a training had reached its last step, or had ended since its score no longer improved.

    Args:
        state: of the Trainer at a checkpoint.
        args: the Trainer's arguments.
        callbacks: of the Trainer, restored.
    """
    if any(
        isinstance(callback, EarlyStoppingCallback)
        and callback.early_stopping_patience_counter >= callback.early_stopping_patience
        for callback in callbacks
    ):
        return True
    if args.max_steps > 0:
        return state.global_step >= args.max_steps
    return (state.epoch or 0) >= args.num_train_epochs


def restore_callbacks(state: TrainerState, callbacks: Sequence[TrainerCallback]) -> None:
    """Restore what callbacks have counted, such as evaluations without a better score, but not their arguments.

    Args:
        state: of the Trainer at a checkpoint.
        callbacks: of the Trainer.
    """
    contents: Any = state.stateful_callbacks or {}
    saved = {name: iter(content if isinstance(content, list) else [content]) for name, content in contents.items()}
    for callback in callbacks:
        if isinstance(callback, ExportableState):
            content: dict[str, Any] = next(saved.get(type(callback).__name__, iter(())), {})
            for name, value in content.get("attributes", {}).items():
                setattr(callback, name, value)


def load_weights(model: Any, checkpoint: Path) -> None:
    """Load the weights of a checkpoint into a model, wrapped by peft or not."""
    if (checkpoint / _ADAPTER_WEIGHTS).exists():
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(model, load_file(checkpoint / _ADAPTER_WEIGHTS))
    else:
        model.load_state_dict(load_file(checkpoint / SAFE_WEIGHTS_NAME), strict=False)  # tied weights are stored once


def load_complete(model: Any, checkpoint: Path, load_best: bool) -> TrainerState:
    """Load what a training would have ended with that has a checkpoint of its last step, and return its state.

    Args:
        model: gets the weights.
        checkpoint: of the last step.
        load_best: whether they are those of the best checkpoint, where that is still there.
    """
    state = load_state(checkpoint)
    best = best_checkpoint(state, checkpoint.parent)
    state.best_model_checkpoint = None if best is None else str(best)
    load_weights(model, best if best is not None and load_best else checkpoint)
    return state


def resume_hint(run: Path) -> str:
    """Return which checkpoint is valid and how to resume, for the message of an error."""
    checkpoint, _ = latest_valid_checkpoint(run)
    last = f"The last valid checkpoint is {checkpoint}" if checkpoint else "There is no valid checkpoint yet"
    return (
        f"{last}. Check the disk of {run} (space, rights, whether the folder is there), and resume with resume=True "
        "(--resume)."
    )
