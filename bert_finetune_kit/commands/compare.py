"""`compare`: runs of one recipe, compared with the first of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..argument_parser import ArgumentParser
from ..errors import ConfigError, OutputError
from ..output import show
from ..text_files import check_writable, write_text
from .parser import command_parser

_DESCRIPTION = """\
Compare runs with the first of them: whether their scores differ beyond chance, on which examples, and which settings
and data differ. Folders of runs with several seeds (--seeds) are compared by the means over the seeds, folders of
cross-validations by the predictions of all folds.

  bert-finetune-kit compare runs/first runs/second
  bert-finetune-kit compare runs/first runs/second runs/third --output comparison.html
  bert-finetune-kit compare runs/small-seeds runs/large-seeds
  bert-finetune-kit compare runs/first runs/second --label_names neg=negative pos=positive
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("runs", metavar="RUN", nargs="*", help="folders of runs, two at least")
    parser.add_argument("--output", metavar="FILE", type=Path, help="page to write: .html, or .md for Markdown")
    parser.add_argument(
        "--label_names", metavar="NAME=NAME", nargs="+", default=(),
        help="where runs have other names for the same labels: each label of another run and its name in the first one",
    )  # fmt: skip
    return parser


def compare(words: Sequence[str]) -> None:
    """Print a comparison, or write it to a file."""
    options = build_parser().parse_args(words)
    if len(options.runs) < 2:
        taken = [word for word in options.label_names if "=" not in word]
        if taken:
            raise ConfigError(
                f"Command line: --label_names takes all words up to the next flag, here also {' and '.join(taken)}: a "
                "flag with several values comes after the folders of the runs."
            )
        given = "one run" if options.runs else "no run"
        raise ConfigError(f"Command line: there is {given}: give the folders of two runs or more.")
    renderings = {".html": "to_html", ".md": "to_markdown"}
    if options.output is not None and options.output.suffix.lower() not in renderings:
        raise ConfigError(f"Command line: --output is {options.output}: its name must end in {' or '.join(renderings)}")
    label_names = _label_names(options.label_names)
    if options.output is not None:
        with _writing(options.output):
            check_writable(options.output)
    from ..reporting.comparison import compare_reports
    from ..reporting.seed_comparison import compare_seeds, is_seeds_folder

    several = [run for run in options.runs if is_seeds_folder(run)]
    if several and len(several) < len(options.runs):
        one = next(run for run in options.runs if run not in several)
        raise ConfigError(
            f"Command line: {several[0]} has several seeds, and {one} has not: give folders of several seeds, or "
            f"single runs, such as {several[0]}/seed-…"
        )
    comparison = (compare_seeds if several else compare_reports)(*options.runs, label_names=label_names)
    show(str(comparison).rstrip())
    if options.output is not None:
        page = getattr(comparison, renderings[options.output.suffix.lower()])()
        with _writing(options.output):
            write_text(options.output, page)
        show(f"The comparison is in {options.output}.")


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"The comparison cannot be written to {output}: {error.strerror}.") from error


def _label_names(words: Sequence[str]) -> dict[str, str]:
    """Return names by label.

    Raises:
        ConfigError: a word is not of the form NAME=NAME, or a label has two names.
    """
    names: dict[str, str] = {}
    for word in words:
        label, *name = word.split("=")
        if len(name) != 1:
            raise ConfigError(
                f"Command line: --label_names has {word!r}: give NAME=NAME for each label, after the folders of the "
                "runs. Names that contain = can be given in Python: compare_reports(…, label_names={…})."
            )
        if names.setdefault(label, name[0]) != name[0]:
            raise ConfigError(f"Command line: --label_names gives {label!r} two names: {names[label]} and {name[0]}.")
    return names
