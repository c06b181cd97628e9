"""`export`: a run as a model of another runtime, proven on its way out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..argument_parser import ArgumentParser
from ..output import show
from .parser import command_parser, existing_file
from .run_folder import load_recipe

_DESCRIPTION = """\
Write the model of a run for ONNX Runtime or OpenVINO, where it predicts without torch. It is scored on the whole
validation split of the run beside the model in the kit, and is written only if it predicts the same.

  bert-finetune-kit export runs/stars
  bert-finetune-kit export runs/stars --quantize int8
  bert-finetune-kit export runs/squad --format openvino --quantize int8 --data dev-v2.0.json

It is used by bert_finetune_kit.load_exported(FOLDER).predict(...).
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument("--format", default="onnx", metavar="NAME", help="onnx or openvino (default: onnx)")
    parser.add_argument("--quantize", metavar="NAME", help="int8; without it the model stays in fp32")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="folder to write (default: RUN-FORMAT, with int8 RUN-FORMAT-int8)"
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        type=Path,
        help="file with labels or answers to prove it on (default: its own)",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="X",
        help="largest difference of logits (default: 1e-4); with int8 points of the main score (default: 0.5)",
    )
    parser.add_argument("--keep_fp32", nargs="+", default=(), metavar="LAYER", help="layers that int8 leaves in fp32")
    parser.add_argument("--batch_size", type=int, default=32, metavar="N", help="texts that are scored at once")
    parser.add_argument("--threads", type=int, metavar="N", help="for the exported model (default: all cores)")
    return parser


def export(words: Sequence[str]) -> None:
    """Export a run, and print what it scores."""
    options = build_parser().parse_args(words)
    data = None if options.data is None else existing_file(options.data)
    output = options.output or export_folder(options.run, options.format, options.quantize)
    names = ("format", "quantize", "tolerance", "keep_fp32", "batch_size", "threads")
    settings = {name: getattr(options, name) for name in names}
    check_export(output, settings)
    proof = load_recipe(options.run, {"use_cpu": True}).export(output, data=data, **settings)
    show(f"{proof}\n\nThe exported model is in {output}.")


def check_export(output: Path, settings: Mapping[str, Any]) -> None:
    """Check all that can be known before the model is loaded."""
    from ..export.folder import check_target
    from ..export.write import ExportSettings

    ExportSettings(**settings).check()
    check_target(output.expanduser())


def export_folder(run: str, format: str, quantize: str | None) -> Path:
    """Return the folder of an exported model where none is given: beside that of the run.

    >>> export_folder("runs/stars", "onnx", "int8").as_posix()
    'runs/stars-onnx-int8'
    """
    folder = Path(run) if Path(run).is_dir() else Path("runs", Path(run).name)
    return folder.with_name("-".join([folder.name, format, *([quantize] if quantize else [])]))
