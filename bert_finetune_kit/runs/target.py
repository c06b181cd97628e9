"""Where a run is published on the Hub, before and after its training."""

from dataclasses import dataclass, field
from pathlib import Path

from transformers import TrainingArguments

from ..errors import HubError
from .publish import open_repository, push_folder


@dataclass(frozen=True)
class HubTarget:
    """The repository of a run."""

    name: str
    """With or without its owner."""
    token: str | None = field(repr=False)
    private: bool = True

    @classmethod
    def from_args(cls, args: TrainingArguments) -> "HubTarget":
        """Return the repository that the Trainer's arguments name, else that of the output folder's name."""
        name = args.hub_model_id or Path(str(args.output_dir)).resolve().name
        return cls(name, args.hub_token, args.hub_private_repo is not False)

    def check(self) -> tuple[str, ...]:
        """Open the repository before training; return a note where the Hub does not answer.

        Raises:
            HubError: the Hub refuses the token or the name.
        """
        try:
            open_repository(self.name, self.token, self.private)
        except HubError as error:
            if error.final:
                raise
            return (f"the Hub did not answer before the training ({error})",)
        return ()

    def push(self, folder: str | Path, recipe: str) -> str:
        """Upload a finished run, and return the address of its repository.

        Args:
            folder: of the run.
            recipe: its name, for the message of the commit.

        Raises:
            HubError: the Hub refuses or does not answer, or it would refuse the model card.
        """
        return push_folder(folder, self.name, self.token, f"{recipe} with bert_finetune_kit", self.private)
