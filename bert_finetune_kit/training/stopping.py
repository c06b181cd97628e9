"""Stopping between two steps on a signal of a user or a scheduler: Ctrl-C, SIGTERM, Slurm's SIGUSR1."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import SaveStrategy

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]
# A launcher forwards the Ctrl-C that the terminal has sent to its processes already: that is not a second one.
_SAME_PRESS = 1.0


class StopSignals:
    """Records signals while it is entered, instead of ending the process; a second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._when = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():  # no other thread may handle signals
            self._before = {number: signal.signal(number, self._record) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _record(self, number: int, _: FrameType | None) -> None:
        again = self.received == number == signal.SIGINT and time.monotonic() - self._when > _SAME_PRESS
        if again:
            raise KeyboardInterrupt
        if self.received is None:
            self.received, self._when = number, time.monotonic()


class StopCallback(TrainerCallback):
    """Saves and ends the training after the step in which a signal came.

    At the end of an epoch the evaluation that is due comes first, in mid-epoch none: a run resumed from here makes the
    same evaluations as one that was never stopped.

    Args:
        signals: received by this process.
        agree: the signal of this process → that of any process.
    """

    def __init__(self, signals: StopSignals, agree: Callable[[int | None], int | None]) -> None:
        self._signals, self._agree = signals, agree
        self.signal: int | None = None

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Stop unless an epoch ends here, or the training."""
        self.signal = self.signal or self._agree(self._signals.received)
        if self.signal and not _epoch_ends(state) and state.global_step < state.max_steps:
            _save_and_stop(args, control)
        return control

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Save after what is due at the end of an epoch; where none has ended, nothing is due."""
        if not self.signal or state.global_step >= state.max_steps:
            return control
        if _epoch_ends(state):
            _save_and_stop(args, control)
        else:
            control.should_log = control.should_evaluate = control.should_save = False
        return control


def _save_and_stop(args: TrainingArguments, control: TrainerControl) -> None:
    control.should_save = control.should_training_stop = True
    args.load_best_model_at_end = False  # the run is not at its end
    args.save_strategy = SaveStrategy.STEPS  # "best" would not save after an evaluation that is no better
    args.save_only_model = False  # or nothing could be resumed exactly


def _epoch_ends(state: TrainerState) -> bool:
    return float(state.epoch or 0).is_integer()
