"""The folder of a run: refused, claimed, resumed or finished."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers.utils import SAFE_WEIGHTS_NAME, WEIGHTS_NAME

from ..errors import OutputError
from ..modeling.explanation import describe_change
from ..modeling.initial_weights import (
    INITIAL_WEIGHTS_FILE,
    change_since_initial,
    delete_initial_weights,
    save_initial_weights,
)
from ..reporting.optional import attempt, attempt_aloud
from ..reporting.schema import REPORT_FILE, RunReport
from .checkpoints import latest_valid_checkpoint, saved_fingerprint
from .fingerprint import changes, describe_difference, is_extension

_CHANGE_UNKNOWN = "the change of the weights is not known"


@dataclass(frozen=True)
class Claim:
    """What a run starts from in its folder."""

    checkpoint: Path | None = None
    """Checkpoint to resume from; none means to start from scratch."""
    notes: tuple[str, ...] = ()
    """Checkpoints that were skipped, and settings that a forced resume mixes."""

    def describe(self) -> str:
        """Return where a run that may be resumed starts."""
        if self.checkpoint is None:
            return "No valid checkpoint found; starting from scratch."
        return f"Resuming from {self.checkpoint}."


@dataclass(frozen=True)
class RunDirectory:
    """The output folder of one run."""

    path: Path
    is_main: bool = True
    """Whether this process writes into the folder."""

    @property
    def is_finished(self) -> bool:
        """Whether a run has finished in the folder."""
        return (self.path / REPORT_FILE).exists()

    def load_report(self) -> RunReport:
        """Return the report of the finished run.

        Raises:
            OutputError: no run has finished in the folder, or the report is damaged.
        """
        return RunReport.load(self.path)

    def check(self, resume: bool, model: Any = None) -> None:
        """Check that a run can use the folder, and create it.

        Args:
            resume: whether the run may continue from checkpoints in it.
            model: what the run starts from.

        Raises:
            OutputError: the folder holds a finished run or the model to start from; it holds checkpoints or a model and
                `resume` is not set; or it cannot be written.
        """
        if self.is_finished:
            raise OutputError(
                f"{self.path} already holds a finished run ({REPORT_FILE}). Choose another output_dir, or delete it."
            )
        if isinstance(model, str) and Path(model).exists() and self.path.resolve() == Path(model).resolve():
            raise OutputError(f"{self.path} is the folder of the model to start from: choose another output_dir.")
        if not resume:
            self._check_unused()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".write-test-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise OutputError(f"The output folder {self.path} cannot be written: {error.strerror}.") from error

    def _check_unused(self) -> None:
        checkpoint, skipped = latest_valid_checkpoint(self.path)
        if checkpoint is not None or skipped:
            name = checkpoint.name if checkpoint is not None else "none of them valid"
            raise OutputError(
                f"{self.path} holds checkpoints of an unfinished run ({name}). Resume it with resume=True (--resume), "
                "choose another output_dir, or delete the folder."
            )
        models = [name for name in (SAFE_WEIGHTS_NAME, WEIGHTS_NAME) if (self.path / name).exists()]
        if models:
            raise OutputError(
                f"{self.path} holds a model ({models[0]}), which would be overwritten: choose another output_dir."
            )

    def claim(self, fingerprint: Mapping[str, Any], resume: bool, force: bool) -> Claim:
        """Return what the run starts from.

        Args:
            fingerprint: of the run.
            resume: whether to continue from the newest valid checkpoint.
            force: continue from it even where its fingerprint differs in more than how long the run trains.

        Raises:
            OutputError: the checkpoint was made with other data, another model, other settings or other versions.
        """
        if not resume:
            return Claim()
        checkpoint, skipped = latest_valid_checkpoint(self.path)
        if checkpoint is None:
            return Claim(notes=tuple(skipped))
        different = changes(saved_fingerprint(checkpoint), fingerprint)
        mixed = [describe_difference(*change) for change in different if not is_extension(*change)]
        if mixed and not force:
            raise OutputError(_mixed_runs(checkpoint, mixed))
        extended = [describe_difference(*change) for change in different if is_extension(*change)]
        notes = [f"mixed: up to {checkpoint.name}, {change}" for change in mixed]
        notes += [f"extended: up to {checkpoint.name}, {change}" for change in extended]
        return Claim(checkpoint, (*skipped, *notes))

    def save_initial_weights(self, model: Any, checkpoint: str | None, resumed: bool) -> tuple[str, ...]:
        """Keep the weights that the run starts from until it has ended, and return notes.

        A resumed run has them; where they were lost, they are written again, as seed and checkpoint determine them.

        Args:
            model: before training.
            checkpoint: what it was loaded from; none means that its weights are new.
            resumed: whether the run continues from a checkpoint.
        """
        if not self.is_main or (resumed and (self.path / INITIAL_WEIGHTS_FILE).exists()):
            return ()
        try:
            save_initial_weights(model, checkpoint, self.path)
        except (OSError, SafetensorError) as error:
            return (f"{_CHANGE_UNKNOWN}: the initial weights could not be saved ({error})",)
        return ()

    def parameter_change(self, notes: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Compare the saved model with the initial weights; return the change as plain data, and further notes.

        Args:
            notes: of the run so far.
        """
        if not self.is_main:
            return {}, ()
        change, faults = attempt(_CHANGE_UNKNOWN, self._change, "Parameters by module are in the report all the same.")
        if change or faults or any(note.startswith(_CHANGE_UNKNOWN) for note in notes):
            return change or {}, faults
        return {}, (f"{_CHANGE_UNKNOWN}: the initial weights are gone, or the model is not saved in one file",)

    def _change(self) -> dict[str, Any] | None:
        change = change_since_initial(self.path)
        return None if change is None else describe_change(change)

    def delete_initial_weights(self) -> None:
        """Delete what `save_initial_weights` wrote."""
        if self.is_main:
            attempt_aloud(
                f"{INITIAL_WEIGHTS_FILE} was not deleted",
                lambda: delete_initial_weights(self.path),
                f"Nothing needs it: delete it from {self.path}.",
            )


def _mixed_runs(checkpoint: Path, mixed: list[str]) -> str:
    return "\n".join(
        [
            f"{checkpoint} was made with other settings, and resuming from it would mix two runs:",
            *(f"  - {change}" for change in mixed),
            "Set them back, choose another output_dir, delete the folder, or pass force=True (--force) to resume.",
        ]
    )
