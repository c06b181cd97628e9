"""`push`: a finished run to the Hub."""

from collections.abc import Sequence

from ..argument_parser import ArgumentParser
from ..output import show
from ..reporting.schema import RunReport
from .parser import command_parser
from .run_folder import recipe_class

_DESCRIPTION = """\
Push a finished run to the Hub: model, tokenizer, model card and report, without checkpoints.

  bert-finetune-kit push runs/stars --name me/stars

The token is the one that `hf auth login` has stored, or HF_TOKEN.
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="folder of a finished run")
    parser.add_argument("--name", required=True, help="of the repository, with or without its owner")
    parser.add_argument("--public", action="store_true", help="make a new repository public (default: private)")
    parser.add_argument("--predictions", action="store_true", help="push predictions.jsonl, too, which has examples")
    return parser


def push(words: Sequence[str]) -> None:
    """Push a run, and print the address of its repository."""
    options = build_parser().parse_args(words)
    RunReport.load(options.run)  # without which there is nothing to push
    recipe = recipe_class(options.run)
    finished = recipe(model=options.run, args=recipe.default_args(options.run))
    address = finished.push_to_hub(options.name, private=not options.public, predictions=options.predictions)
    show(f"Pushed to {address}.")
