"""What is shared by all objects of accelerate in a process."""

from typing import Any

from accelerate import Accelerator

_OWNER = "bert_finetune_kit_owner"  # key in the shared state


class OwnState:
    """The state of an `Accelerator`, as it was made.

    accelerate keeps the state in a dictionary of the process, `AcceleratorState._shared_state`, and `TrainingArguments`
    empty it when they look up their device: to make another recipe takes the state from every Trainer before.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._shared: dict[str, Any] = vars(accelerator.state)
        self._shared[_OWNER] = self
        self._own = dict(self._shared)

    def restore(self) -> None:
        """Make it the state of the process again, where it no longer is."""
        if self._shared.get(_OWNER) is not self:
            self._shared.clear()
            self._shared.update(self._own)
