"""Real tokens and seconds of a training."""

from typing import Any

from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .timing import Stopwatch


class Meter(TrainerCallback):
    """Counts real tokens, and the seconds of the steps alone."""

    def __init__(self) -> None:
        self.clock = Stopwatch()
        """Paused by the Trainer while it evaluates or writes a checkpoint."""
        self._tokens: Any = 0  # on the device until it is read
        self._logged = (0, 0.0)  # tokens and seconds at the last log

    @property
    def tokens(self) -> int:
        """Real tokens of all processes since the beginning of the run."""
        return int(self._tokens)

    def add(self, tokens: Tensor) -> None:
        """Count the tokens of a step; the device is not waited for."""
        self._tokens = self._tokens + tokens

    def tokens_per_second(self) -> float:
        """Return the rate since the last call."""
        tokens, seconds = self.tokens, self.clock.seconds
        rate = (tokens - self._logged[0]) / max(seconds - self._logged[1], 1e-9)
        self._logged = (tokens, seconds)
        return rate

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start, with the tokens of the steps before where a run is resumed."""
        self._tokens = state.num_input_tokens_seen
        self._logged = (self.tokens, 0.0)
        self.clock.start()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Go on after a checkpoint."""
        self.clock.resume()
