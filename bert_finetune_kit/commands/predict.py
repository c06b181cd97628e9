"""`predict`: predictions for the rows of a file, written to another file, or for a text."""

import math
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..argument_parser import ArgumentParser
from ..errors import ConfigError, raise_faults
from ..exported.loading import load_exported
from ..exported.settings import is_exported, load_settings
from ..inference.path_warning import NAMED, find_path
from ..output import show
from .parser import add_inference_flags, command_parser, existing_file, file_settings, inference_settings
from .run_folder import load_recipe, run_kind

_FORMATS = (".csv", ".jsonl")
# Kind of a run → flags for texts in place of a file.
_FLAGS = {"classification": ("text",), "question_answering": ("question", "context")}
_REFUSING = ("coverage", "max_risk")
_REFUSED = "(refused)"
_DESCRIPTION = """\
Predict for the rows of a file of any size, or for a text.

  bert-finetune-kit predict runs/stars new.csv --output predictions.csv
  bert-finetune-kit predict runs/stars --text "the soup was cold" "what a kind welcome"
  bert-finetune-kit predict runs/stars new.csv --output predictions.csv --coverage 0.9
  bert-finetune-kit predict runs/squad --question "Where does it rise?" --context "The Rhine rises in Switzerland."
  bert-finetune-kit predict runs/stars-onnx new.csv --output predictions.csv

The file has the columns that the run was trained on; labels and answers are not needed.
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="folder of a run, of an exported model, or a stock checkpoint")
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help="file to predict for")
    parser.add_argument("--output", metavar="FILE", type=Path, help="where the predictions go: .csv or .jsonl")
    parser.add_argument("--text", nargs="+", metavar="TEXT", help="texts to classify")
    parser.add_argument("--text_pair", nargs="+", metavar="TEXT", help="the second text of each, in a task of pairs")
    parser.add_argument("--question", nargs="+", metavar="TEXT", help="questions to answer")
    parser.add_argument("--context", metavar="TEXT", help="the text with the answers")
    parser.add_argument(
        "--coverage", type=float, metavar="SHARE", help="share of the predictions to keep; refuse others"
    )
    parser.add_argument(
        "--max_risk", type=float, metavar="SHARE", help="refuse so many that at most this share is wrong"
    )
    parser.add_argument(
        "--label_sets", type=float, metavar="SHARE", help="sets of labels, of which this share is right"
    )
    add_inference_flags(parser)
    return parser


def predict(words: Sequence[str]) -> None:
    """Predict, and write or print the predictions."""
    options = build_parser().parse_args(words)
    _check(options)
    _check_kind(options)
    named = find_path([*(options.text or ()), *(options.question or ()), options.context])
    if named is not None:
        warnings.filterwarnings("ignore", f".*{NAMED}")  # in words of the command instead
        show(
            f"{named!r} {NAMED}, and is read as a text. To predict what is in the file: predict {options.run} {named} "
            "--output predictions.csv"
        )
    model, further = _load(options)
    refusing = {name: getattr(options, name) for name in _REFUSING if getattr(options, name) is not None}
    further |= refusing if options.label_sets is None else {**refusing, "label_sets": options.label_sets}
    lines = [str(model.selection(**refusing))] if refusing else []
    if options.file is not None:
        model.predict_file(options.file, options.output, **file_settings(options), **further)
        lines.append(f"The predictions are in {options.output}.")
    elif options.question is not None:
        answers = model.predict(question=options.question, context=options.context, **further)
        lines += [answer_text(answer) for answer in answers]
    else:
        texts = options.text if options.text_pair is None else list(zip(options.text, options.text_pair, strict=True))
        lines += [prediction_text(prediction) for prediction in model.predict(texts, **further)]
    if getattr(model, "is_main", True):
        show("\n".join(lines))


def _load(options: Namespace) -> tuple[Any, dict[str, Any]]:
    """Return the model of a run, or an exported one, and what its calls are given beside their data."""
    if not is_exported(options.run):
        return load_recipe(options.run, inference_settings(options)), {}
    if options.bf16_full_eval:
        raise ConfigError(
            f"Command line: --bf16_full_eval is given, and {options.run} is an exported model, which computes as it "
            "was exported: leave it out."
        )
    size = options.per_device_eval_batch_size
    return load_exported(options.run), {} if size is None else {"batch_size": size}


def _check(options: Namespace) -> None:
    """Check that there is one thing to predict for, and that it is complete."""
    raise_faults(_faults(options), "Command line")
    if options.file is not None:
        existing_file(options.file)


def _faults(options: Namespace) -> Iterator[str]:
    given = [name for name in ("file", "text", "question") if getattr(options, name) is not None]
    if len(given) != 1:
        ways = "a FILE with --output, --text, or --question with --context"
        yield f"give {ways}" + (f": not {' and '.join(given)} together" if given else "")
    if "file" in given and options.output is None:
        yield "say where the predictions go: --output predictions.csv, or predictions.jsonl"
    if options.output is not None and options.output.suffix.lower() not in _FORMATS:
        yield f"--output is {options.output}: its name must end in {' or '.join(_FORMATS)}"
    if options.output is not None and "file" not in given:
        yield "--output goes with a FILE to predict for"
    if options.text_pair is not None and len(options.text or ()) != len(options.text_pair):
        yield f"there are {len(options.text or ())} of --text and {len(options.text_pair)} of --text_pair"
    if options.coverage is not None and options.max_risk is not None:
        yield "--coverage and --max_risk each decide which predictions are refused: give one"
    if (options.question is None) != (options.context is None):
        yield "--question and --context go together"


def _check_kind(options: Namespace) -> None:
    """Check that the model predicts what is asked for, before it is loaded."""
    exported = is_exported(options.run)
    kind = load_settings(Path(options.run)).recipe if exported else run_kind(options.run)
    what = "an exported model" if exported else "a run"
    if kind not in _FLAGS:
        instead = (
            "which this command does not use: in Python, load_exported(FOLDER).predict(TEXTS) fills the masks of texts"
            if exported
            else "which predicts nothing yet: fine-tune it by bert-finetune-kit classify or answer with --model "
            f"{options.run}"
        )
        raise ConfigError(f"{options.run} is {what} of {kind}, {instead}.")
    other = next((name for name in _FLAGS if name != kind and getattr(options, _FLAGS[name][0]) is not None), None)
    if other is not None:
        given, needed = (" and ".join(f"--{flag}" for flag in _FLAGS[name]) for name in (other, kind))
        raise ConfigError(f"Command line: {given} is given, and {options.run} is {what} of {kind}: give {needed}.")
    if options.label_sets is not None and kind != "classification":
        raise ConfigError(f"Command line: --label_sets is given, and {options.run} is {what} of {kind}: leave it out.")


def answer_text(answer: Any) -> str:
    """Return an answer with its probability; where there is none, with the probability of no answer."""
    if math.isnan(answer.score):
        return "(empty question)"
    if answer.refused:
        return f"{answer.score:.3f}  {_REFUSED}"
    return f"{answer.no_answer:.3f}  (no answer)" if answer.text is None else f"{answer.score:.3f}  {answer.text}"


def prediction_text(prediction: Any) -> str:
    """Return a label with its probability, and its set of labels where there is one."""
    if prediction.label is None and not prediction.refused:
        return label_text(prediction.label)
    text = _REFUSED if prediction.refused else label_text(prediction.label)
    labels = "" if prediction.label_set is None else f"  {{{', '.join(prediction.label_set)}}}"
    return f"{prediction.score:.3f}  {text}{labels}"


def label_text(label: str | tuple[str, ...] | float | None) -> str:
    """Return a predicted label, labels or number as text."""
    if label is None:
        return "(empty text)"
    if isinstance(label, tuple):
        return ", ".join(label) or "(no label)"
    return label if isinstance(label, str) else f"{label:.6g}"
