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
    def from_args(cls, args: TrainingArguments, folder: str | None = None) -> "HubTarget":
        """Return the repository that the Trainer's arguments name, else that of the name of a folder.

        Args:
            args: of the Trainer.
            folder: none means the output folder.
        """
        name = args.hub_model_id or Path(folder or str(args.output_dir)).resolve().name
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

    def push(self, folder: str | Path, recipe: str, predictions: bool = False) -> str:
        """Upload a finished run, and return the address of its repository.

        Args:
            folder: of the run.
            recipe: its name, for the message of the commit.
            predictions: whether to upload those of single examples.

        Raises:
            HubError: the Hub refuses or does not answer, or it would refuse the model card.
        """
        message = f"{recipe} with bert_finetune_kit"
        return push_folder(folder, self.name, self.token, message, self.private, predictions)
