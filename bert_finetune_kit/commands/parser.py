"""What the parsers of several commands share."""

from argparse import Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from ..argument_parser import ArgumentParser


def command_parser(description: str) -> ArgumentParser:
    """Return a parser without arguments.

    Args:
        description: what the command does, and examples, as they are to be shown.
    """
    return ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)


def add_inference_flags(parser: ArgumentParser) -> None:
    """Add what a command takes that runs a model, by the names of the Trainer's arguments."""
    parser.add_argument("--per_device_eval_batch_size", type=int, metavar="N", help="texts or windows in a batch")
    parser.add_argument("--encoding", metavar="NAME", help="of the file, such as latin-1 (default: UTF-8)")
    parser.add_argument("--bf16_full_eval", action="store_true", default=None, help="compute in bfloat16")
    parser.add_argument("--use_cpu", action="store_true", default=None, help="use the CPU where there is a GPU, too")


def inference_settings(options: Namespace) -> dict[str, Any]:
    """Return the Trainer's arguments that the flags of `add_inference_flags` give."""
    settings = {name: getattr(options, name) for name in ("per_device_eval_batch_size", "bf16_full_eval", "use_cpu")}
    return {name: value for name, value in settings.items() if value is not None}


def file_settings(options: Namespace) -> dict[str, Any]:
    """Return what the flags of `add_inference_flags` say of the file."""
    return {} if options.encoding is None else {"encoding": options.encoding}


def existing_file(path: Path) -> Path:
    """Return a path that exists.

    Raises:
        DataError: it does not.
    """
    if not path.exists():
        from ..data.files import missing_path

        raise missing_path(path)
    return path
