"""The command that pushes the folder of a run to the Hub."""

from pathlib import Path

from .predictions import PREDICTIONS_FILE

# Files other than the model and its reports. training_args.bin is a pickle, which is unsafe to load, and peft's
# card of an adapter names the local folder of the initial model. Evaluations, in folders of
# any name, hold texts of other files.
NOT_PUSHED = (
    "training_args.bin", "checkpoint-*/*", "second-phase/*", "vocabulary-*/*", "initial_weights.*",
    "adapter/README.md", "previous/*", "*/report.*", f"*/{PREDICTIONS_FILE}", PREDICTIONS_FILE,
)  # fmt: skip


def push_command(folder: str | Path, name: str, private: bool = True) -> str:
    """Return the command that pushes the folder of a run.

    Args:
        folder: of the run.
        name: of the repository.
        private: whether a new repository is private.
    """
    excluded = " ".join(f'"{pattern}"' for pattern in NOT_PUSHED)
    visibility = "--private " if private else ""
    return f"hf upload {name} {folder} . {visibility}--exclude {excluded}"
