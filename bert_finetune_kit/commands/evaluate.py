"""`evaluate`: a report of what a run scores on another file."""

from collections.abc import Sequence
from pathlib import Path

from ..argument_parser import ArgumentParser
from ..output import show
from .parser import add_inference_flags, command_parser, existing_file, file_settings, inference_settings
from .run_folder import load_recipe

_DESCRIPTION = """\
Score a run on a file with labels or answers, with the labels, lengths and threshold that are saved with its model.

  bert-finetune-kit evaluate runs/stars test.csv
  bert-finetune-kit evaluate runs/squad dev-v2.0.json --output runs/squad-dev

The file has the columns that the run was trained on. The report goes into a folder of its own, where it
replaces an earlier one. A push leaves evaluations out.
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="folder of a run, or a stock checkpoint")
    parser.add_argument("file", metavar="FILE", type=Path, help="file or folder to evaluate on")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="folder of the report (default: RUN/evaluation-FILE)"
    )
    add_inference_flags(parser)
    return parser


def evaluate(words: Sequence[str]) -> None:
    """Evaluate a run on a file, and write the report."""
    options = build_parser().parse_args(words)
    file = existing_file(options.file)
    output = options.output or evaluation_folder(options.run, file)
    recipe = load_recipe(options.run, inference_settings(options))
    settings = file_settings(options)
    report = recipe.evaluate(type(recipe.source)(file, **settings) if settings else file, output_dir=output)
    if recipe.is_main:
        report.print()
        show(f"The report is in {output}.")


def evaluation_folder(run: str, file: Path) -> Path:
    """Return the folder of a report where none is given: in that of the run, or in `runs` for a model of the Hub.

    >>> evaluation_folder("org/model", Path("data/test.csv.gz")).as_posix()
    'runs/model/evaluation-test'
    """
    parent = Path(run) if Path(run).is_dir() else Path("runs", Path(run).name)
    return parent / f"evaluation-{file.resolve().name.partition('.')[0]}"
