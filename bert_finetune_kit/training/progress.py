"""How training looks while it runs: bars on a terminal, plain lines elsewhere, from the main process alone."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers import TrainingArguments as Arguments

from ..reporting.formatting import format_duration, format_score
from ..reporting.schema import Score
from ..reporting.terminal import stdout_console

# Shown of a log, in this order: key, label, format.
_SHOWN = (
    ("loss", "loss", ".4f"),
    ("learning_rate", "lr", ".2e"),
    ("tokens_per_second", "tokens/s", ",.0f"),
)


def describe_log(logs: dict[str, float], glossary: Sequence[Score] = ()) -> str:
    """Return one line for a log of the training, or of an evaluation by the scores of `glossary`.

    >>> describe_log({"loss": 6.91234, "learning_rate": 0.0005, "tokens_per_second": 5210.3, "epoch": 0.5})
    'loss 6.9123 · lr 5.00e-04 · tokens/s 5,210'
    """
    scores = [(f"eval_{score.key}", score.label, score.format_spec) for score in glossary]
    return " · ".join(
        f"{label} {format_score(logs[key], form)}" for key, label, form in (*_SHOWN, *scores) if key in logs
    )


class ProgressView(TrainerCallback):
    """Epoch and step bars with loss, learning rate, real tokens a second and time left; lines where there are no bars.

    Args:
        glossary: the scores of an evaluation.
        plain: lines even on a terminal; none means bars on a terminal or in a notebook, lines elsewhere.
        console: where to write; none means standard output.
    """

    def __init__(
        self, glossary: Sequence[Score] = (), plain: bool | None = None, console: Console | None = None
    ) -> None:
        self.glossary = glossary
        self.console = console or stdout_console()
        self.plain = bool(plain) or not (self.console.is_terminal or self.console.is_jupyter)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._began = (0.0, 0)  # time and step

    def on_train_begin(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Open the bars."""
        self._began = (time.perf_counter(), state.global_step)
        if self.plain or not state.is_world_process_zero:
            return
        bar = ("{task.description}", BarColumn(bar_width=20), MofNCompleteColumn())
        self._progress = Progress(*bar, "{task.fields[note]}", TimeRemainingColumn(), console=self.console)
        self._tasks = {
            "epoch": self._progress.add_task("epoch", total=state.num_train_epochs, note=""),
            "step": self._progress.add_task("step", total=state.max_steps, completed=state.global_step, note=""),
        }
        self._progress.start()

    def on_step_end(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Move the bars."""
        if self._progress is not None:
            self._progress.update(self._tasks["step"], completed=state.global_step)
            self._progress.update(self._tasks["epoch"], completed=int(state.epoch or 0))

    def on_prediction_step(
        self,
        args: Arguments,
        state: TrainerState,
        control: TrainerControl,
        eval_dataloader: Any = None,
        **_: Any,
    ) -> None:
        """Move the bar of an evaluation."""
        if self._progress is None:
            return
        if "evaluate" not in self._tasks:
            self._tasks["evaluate"] = self._progress.add_task("evaluate", total=len(eval_dataloader), note="")
        self._progress.advance(self._tasks["evaluate"])

    def on_evaluate(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Close the bar of an evaluation."""
        if self._progress is not None and "evaluate" in self._tasks:
            self._progress.remove_task(self._tasks.pop("evaluate"))

    def on_log(
        self,
        args: Arguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Show the numbers of a log."""
        logs = logs or {}
        text = describe_log(logs, self.glossary)
        if not state.is_world_process_zero or not text:
            return
        evaluated = any(key.startswith("eval_") for key in logs)
        if self._progress is not None and not evaluated:
            self._progress.update(self._tasks["step"], note=text)
            return
        place = f"epoch {state.epoch or 0:.2f} · step {state.global_step:,}/{state.max_steps:,}"
        left = "" if evaluated else self._time_left(state)
        self.console.print(f"{place} · {text}{left}", highlight=False, soft_wrap=True)

    def on_train_end(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Close the bars."""
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was; safe to call at any time."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _time_left(self, state: TrainerState) -> str:
        began, first = self._began
        done, left = state.global_step - first, state.max_steps - state.global_step
        if done <= 0 or left <= 0:
            return ""
        return f" · {format_duration((time.perf_counter() - began) / done * left)} left"
