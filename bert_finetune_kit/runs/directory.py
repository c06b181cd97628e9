"""The folder of a run: refused, claimed, resumed or finished."""

import os
from collections.abc import Mapping, Sequence
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
    has_initial_weights,
    save_initial_weights,
)
from ..reporting.optional import attempt, attempt_aloud
from ..reporting.schema import FOLDS_FILE, REPORT_FILE, RunReport
from ..text_files import check_writable
from .checkpoints import latest_valid_checkpoint, saved_fingerprint
from .differences import Differences, compare

_CHANGE_UNKNOWN = "the change of the weights is not known"


@dataclass(frozen=True)
class Claim:
    """What a run starts from in its folder."""

    checkpoint: Path | None = None
    """Checkpoint to resume from; none means to start from scratch."""
    notes: tuple[str, ...] = ()
    """Checkpoints that were skipped, settings that a forced resume mixes, and those that make the run longer."""
    extended: tuple[str, ...] = ()
    """Settings that make the run longer."""

    def describe(self) -> str:
        """Return where a run that may be resumed starts, and how its learning rate goes on where it trains longer."""
        if self.checkpoint is None:
            return "No valid checkpoint found; starting from scratch."
        if not self.extended:
            return f"Resuming from {self.checkpoint}."
        schedule = _schedule(self.extended, "here")
        return " ".join([f"Resuming from {self.checkpoint} to train longer: {', '.join(self.extended)}.", *schedule])


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

    @property
    def has_checkpoint(self) -> bool:
        """Whether a run has left a checkpoint in the folder, valid or not."""
        return any(self.path.glob("checkpoint-*"))

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
            OutputError: the folder holds the model to start from; it holds a finished run, checkpoints or a model and
                `resume` is not set; or it cannot be written.
        """
        if self.is_finished and not resume:
            raise OutputError(
                f"{self.path} already holds a finished run ({REPORT_FILE}). Choose another output_dir, or delete it. "
                "To train it for more epochs or steps, pass resume=True (--resume)."
            )
        if isinstance(model, str) and Path(model).exists() and self.path.resolve() == Path(model).resolve():
            raise OutputError(f"{self.path} is the folder of the model to start from: choose another output_dir.")
        if (self.path / FOLDS_FILE).exists():
            raise OutputError(
                f"{self.path} holds a cross-validation ({FOLDS_FILE}), whose predictions a training would replace: "
                "choose another output_dir."
            )
        if not resume:
            self._check_unused()
        if not _is_encodable(str(self.path)):
            raise OutputError(
                f"The name of the output folder {str(self.path)!r} has characters that the locale of this process "
                "cannot hold, and tokenizers could not be saved there: set PYTHONUTF8=1, or choose another output_dir."
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            check_writable(self.path / f".write-test-{os.getpid()}")
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

    def compare_finished(self, fingerprint: Mapping[str, Any], force: bool = False) -> Differences:
        """Compare the finished run in the folder with the one that is asked for.

        Args:
            fingerprint: of the run that is asked for.
            force: return differences that would be refused.

        Returns:
            What differs: of a run that is only to train longer `extended`; of one that is asked for as it was made, at
            most the versions of packages.

        Raises:
            OutputError: the run was made with other data, another model or other settings, or by another recipe.
        """
        different = compare(self.load_report().fingerprint, fingerprint)
        if different.mixed and not force:
            raise OutputError(other_settings(f"{self.path} has finished with other settings:", different.mixed))
        return different

    def claim(self, fingerprint: Mapping[str, Any], resume: bool, force: bool, named: Path | None = None) -> Claim:
        """Return what the run starts from.

        Args:
            fingerprint: of the run.
            resume: whether to continue from the newest valid checkpoint.
            force: continue from it even where its fingerprint differs in more than how long the run trains.
            named: valid checkpoint to continue from in place of the newest.

        Raises:
            OutputError: the checkpoint was made with other data, another model, other settings or other versions; or
                the run has finished, is to train longer, and has no checkpoint.
        """
        if not resume:
            return Claim()
        checkpoint, skipped = (named, []) if named is not None else latest_valid_checkpoint(self.path)
        if checkpoint is None:
            if self.is_finished:
                raise OutputError(_no_checkpoint(self.path, skipped))
            return Claim(notes=tuple(skipped))
        different = compare(saved_fingerprint(checkpoint), fingerprint)
        mixed = (*different.mixed, *different.versions)
        if mixed and not force:
            what = f"{checkpoint} was made with other settings, and resuming from it would mix two runs:"
            raise OutputError(other_settings(what, mixed, "pass force=True (--force) to resume"))
        notes = [f"mixed: up to {checkpoint.name}, {change}" for change in mixed]
        notes += [f"extended: up to {checkpoint.name}, {change}" for change in different.extended]
        notes += _schedule(different.extended, checkpoint.name)
        return Claim(checkpoint, (*skipped, *notes), different.extended)

    def save_initial_weights(self, model: Any, checkpoint: str | None, resumed: bool) -> tuple[str, ...]:
        """Keep the weights that the run starts from until it has ended, and return notes.

        A resumed run has them; where they were lost or damaged, they are written again, as seed and checkpoint
        determine them.

        Args:
            model: before training.
            checkpoint: what it was loaded from; none means that its weights are new.
            resumed: whether the run continues from a checkpoint.
        """
        if not self.is_main or (resumed and has_initial_weights(self.path)):
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


def _is_encodable(path: str) -> bool:
    """Whether a path has no lone surrogates, which stand for bytes of its name that could not be decoded."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _schedule(extended: Sequence[str], start: str) -> list[str]:
    """Return how the learning rate goes on where more epochs or steps make its schedule longer; patience does not."""
    if all(setting.startswith("config.") for setting in extended):
        return []
    return [
        f"From {start} on, the learning rate is that of the same schedule over the whole longer training: one that had "
        "decayed rises again, to what it has at this step of the longer schedule."
    ]


def other_settings(what: str, differences: Sequence[str], way_out: str = "") -> str:
    """Return the message of a run that is refused for its settings: what was made, each difference, what to do."""
    ways = ["Set them back", "choose another output_dir", "delete the folder"]
    advice = f"{', '.join(ways)}, or {way_out}." if way_out else f"{', '.join(ways[:-1])}, or {ways[-1]}."
    return "\n".join([what, *(f"  - {difference}" for difference in differences), advice])


def _no_checkpoint(run: Path, skipped: Sequence[str]) -> str:
    reasons = "".join(f"\n  - {reason}" for reason in skipped)
    return (
        f"{run} holds a finished run, which cannot train longer: it has no valid checkpoint (a run keeps its last ones "
        f"unless save_strategy is 'no').{reasons}\nStart a new run from its weights instead: model={str(run)!r} and "
        "another output_dir. Its optimizer and schedule start anew."
    )
