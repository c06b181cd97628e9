"""What the kit reads and writes of `transformers.Trainer` that is private."""

from typing import Any

from transformers import Trainer


class BestCheckpointTrainer(Trainer):
    """`Trainer` whose subclass decides which evaluation is the best so far, where the Trainer has a private method."""

    def is_new_best(self) -> bool:
        """Return whether the evaluation of the current step is the best so far, and record it in the state if it is."""
        raise NotImplementedError

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        return self.is_new_best()


class RunningLoss:
    """The loss that a Trainer has summed up since its last log, and the step of that log.

    The Trainer keeps them in `_tr_loss` and `_globalstep_last_logged` and does not save them with a checkpoint, so the
    first log of a resumed run would be the mean of other steps.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer: Any = trainer

    def state(self) -> dict[str, float]:
        """Return both as plain data."""
        return {"loss": self._trainer._tr_loss.item(), "logged": self._trainer._globalstep_last_logged}

    def restore(self, state: dict[str, float]) -> None:
        """Set both, once the training has begun."""
        self._trainer._tr_loss += state["loss"]
        self._trainer._globalstep_last_logged = int(state["logged"])
