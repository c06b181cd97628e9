"""`diagnose`: the findings of a run, or of scores from elsewhere."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..argument_parser import ArgumentParser
from ..errors import ConfigError, DataError
from ..json_objects import read_mapping
from ..output import show
from ..reporting.diagnosis.diagnose import CONTEXT, LaterDiagnosis, diagnose_again, diagnose_scores
from ..reporting.schema import REPORT_FILE, Finding, RunReport
from .parser import command_parser, existing_file

_NUMBERS = tuple(name for name in CONTEXT if name not in ("modules", "multi_label"))  # a mapping, a switch
_DESCRIPTION = """\
Say what is wrong with a run, or with scores from elsewhere: each finding with its figures, causes and what to do.

  bert-finetune-kit diagnose runs/stars
  bert-finetune-kit diagnose all_results.json --recipe classification --examples 1000

The file holds scores by name as JSON, such as the Trainer writes (eval_accuracy, …), or evaluate-v2.0.py prints.
"""
_SAVED = (
    "The report also has findings of rules that there are not here, such as rules of your own or of another version. "
    "They are as they were saved, and were not looked for again:"
)


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("source", metavar="RUN_OR_FILE", type=Path, help="folder of a run, or a file of scores")
    parser.add_argument("--recipe", help="of a file of scores: pretraining, classification or question_answering")
    for name in _NUMBERS:
        parser.add_argument(f"--{name}", type=_number, metavar="N", help=f"of a file of scores: {CONTEXT[name]}")
    parser.add_argument(
        "--multi_label",
        action="store_true",
        default=None,
        help="of a file of scores: an example can have several labels",
    )
    return parser


def diagnose(words: Sequence[str]) -> None:
    """Print the findings."""
    found = _diagnosis(build_parser().parse_args(words))
    texts = [finding_text(finding) for finding in found.findings] or ["There are no findings."]
    texts += [found.difference] * bool(found.difference)
    texts += [_SAVED] * bool(found.saved) + [finding_text(finding) for finding in found.saved]
    show("\n\n".join(texts))


def finding_text(finding: Finding) -> str:
    """Return a finding as lines: code and evidence, causes, what to do.

    >>> print(finding_text(Finding("LATE", "note", "It is late.", causes=["a long day"], advice=["Sleep."])))
    note LATE: It is late.
      Likely causes: a long day.
      1. Sleep.
    """
    lines = [f"{finding.severity} {finding.code}: {finding.evidence}"]
    if finding.causes:
        lines.append(f"  Likely causes: {'; '.join(finding.causes)}.")
    return "\n".join([*lines, *(f"  {number}. {advice}" for number, advice in enumerate(finding.advice, start=1))])


def read_scores(file: Path) -> dict[str, Any]:
    """Return the scores in a JSON file by name.

    Raises:
        DataError: it is not a JSON object.
    """
    try:
        return read_mapping(file)
    except (OSError, ValueError) as error:
        raise DataError(f"The scores in {file} cannot be read: {error}.") from error


def _diagnosis(options: Namespace) -> LaterDiagnosis:
    """Return the findings; of a report, with what is saved in it."""
    source = existing_file(options.source)
    context = {
        name: getattr(options, name) for name in (*_NUMBERS, "multi_label") if getattr(options, name) is not None
    }
    if source.is_dir() or source.name == REPORT_FILE:
        if options.recipe is not None or context:
            raise ConfigError(
                f"Command line: {source} has a report, which says what was scored: --recipe and facts such as "
                "--examples go with a file of scores."
            )
        return diagnose_again(RunReport.load(source if source.is_dir() else source.parent))
    if options.recipe is None:
        raise ConfigError(
            f"Command line: say what the scores in {source} are of: --recipe pretraining, classification or "
            "question_answering."
        )
    return LaterDiagnosis(diagnose_scores(options.recipe, read_scores(source), **context), [], "")


def _number(text: str) -> float:
    """Return a number, whole where it is."""
    value = float(text)
    return int(value) if value.is_integer() else value
