"""From a command to the function that runs it, which alone imports what it needs."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

from ..errors import ConfigError, KitError
from ..output import show
from ..recipes.exit_codes import exit_after, process_rank

PROGRAM = "bert-finetune-kit"


@dataclass(frozen=True)
class Command:
    """A command, whose function has its name and takes the words after it."""

    name: str
    module: str
    """Of this package."""
    summary: str


COMMANDS = {
    "Train": (
        Command("pretrain", "train", "pretrain on text, with new weights or from a checkpoint"),
        Command("classify", "train", "fine-tune to classify texts or pairs, or to predict a number"),
        Command("answer", "train", "fine-tune to find the answer to a question in a text"),
        Command("pipeline", "pipeline", "pretrain, fine-tune the result twice, and put all on one page"),
    ),
    "Use a trained model": (
        Command("evaluate", "evaluate", "score a run on a file with labels or answers"),
        Command("predict", "predict", "predict for the rows of a file, or for a text"),
        Command("serve", "serve", "answer HTTP requests on this machine, with a page to try the model"),
        Command("export", "export", "write a run for ONNX Runtime or OpenVINO, without torch"),
        Command("push", "push", "push a run to the Hub"),
    ),
    "Read results": (
        Command("compare", "compare", "compare the reports of several runs"),
        Command("diagnose", "diagnose", "say what is wrong with a run, or with scores from elsewhere"),
    ),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command.

    Args:
        argv: command and its arguments; none means those of the process.

    Raises:
        SystemExit: with 2 after an error of the kit, with 128 + its number after a signal that ended it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        _run(words)
    except KitError as error:
        exit_after(error, is_main=process_rank() == 0)
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None


def _run(words: Sequence[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        show(overview())
        return
    if words[0] == "--version":
        show(f"{PROGRAM} {sys.modules[str(__package__).partition('.')[0]].__version__}")
        return
    command = _find(words[0])
    _use_one_gpu()
    sys.argv[0] = f"{PROGRAM} {command.name}"  # which help texts show as the name of the program
    getattr(import_module(f".{command.module}", __package__), command.name)(words[1:])


def _use_one_gpu() -> None:
    """Let a process without a launcher see one GPU; of several, the Trainer would divide each batch among them."""
    if "LOCAL_RANK" not in os.environ:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")


def _find(name: str) -> Command:
    commands = {command.name: command for group in COMMANDS.values() for command in group}
    if name not in commands:
        match = get_close_matches(name, commands, 1)
        hint = f" Did you mean {match[0]!r}?" if match else ""
        raise ConfigError(f"There is no command {name!r}.{hint} Use one of {', '.join(commands)}.")
    return commands[name]


def overview() -> str:
    """Return the help of all commands.

    >>> overview().splitlines()[0]
    'usage: bert-finetune-kit COMMAND ...'
    """
    lines = [f"usage: {PROGRAM} COMMAND ...", "", "Pretrain and fine-tune BERT and other encoders, and use the result."]
    for heading, commands in COMMANDS.items():
        lines += ["", f"{heading}:", *(f"  {command.name:10} {command.summary}" for command in commands)]
    return "\n".join([*lines, "", f"{PROGRAM} COMMAND --help shows the settings of a command."])
