"""`compare`: runs of one recipe, compared with the first of them."""

from collections.abc import Sequence
from pathlib import Path

from ..argument_parser import ArgumentParser
from ..errors import ConfigError, OutputError
from ..output import show
from .parser import command_parser

_DESCRIPTION = """\
Compare runs with the first of them: whether their scores differ beyond chance, on which examples, and which settings
and data differ. Folders of runs with several seeds (--seeds) are compared by the means over the seeds, folders of
cross-validations by the predictions of all folds.

  bert-finetune-kit compare runs/first runs/second
  bert-finetune-kit compare runs/first runs/second runs/third --output comparison.html
  bert-finetune-kit compare runs/small-seeds runs/large-seeds
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="folders of runs, two at least")
    parser.add_argument("--output", metavar="FILE", type=Path, help="page to write: .html, or .md for Markdown")
    return parser


def compare(words: Sequence[str]) -> None:
    """Print a comparison, or write it to a file."""
    options = build_parser().parse_args(words)
    if len(options.runs) < 2:
        raise ConfigError("Command line: there is one run: give the folders of two runs or more.")
    renderings = {".html": "to_html", ".md": "to_markdown"}
    if options.output is not None and options.output.suffix.lower() not in renderings:
        raise ConfigError(f"Command line: --output is {options.output}: its name must end in {' or '.join(renderings)}")
    from ..reporting.comparison import compare_reports
    from ..reporting.seed_comparison import compare_seeds, is_seeds_folder
    from ..text_files import write_text

    several = [run for run in options.runs if is_seeds_folder(run)]
    if several and len(several) < len(options.runs):
        one = next(run for run in options.runs if run not in several)
        raise ConfigError(
            f"Command line: {several[0]} has several seeds, and {one} has not: give folders of several seeds, or "
            f"single runs, such as {several[0]}/seed-…"
        )
    comparison = compare_seeds(*options.runs) if several else compare_reports(*options.runs)
    show(str(comparison).rstrip())
    if options.output is not None:
        page = getattr(comparison, renderings[options.output.suffix.lower()])()
        try:
            write_text(options.output, page)
        except OSError as error:
            raise OutputError(f"The comparison cannot be written to {options.output}: {error.strerror}.") from error
        show(f"The comparison is in {options.output}.")
