"""Header and rows of the tables that every report has; the renderings share them."""

import re
from collections.abc import Iterator, Mapping, Sequence

from .formatting import format_score, format_statistic
from .numbers import is_finite_number
from .records import ParameterTree
from .schema import RunReport
from .tables import baseline_label

Rows = tuple[list[str], list[list[str]]]
"""Header and rows."""
TRAINING_ARGUMENTS = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "max_grad_norm", "num_train_epochs",
    "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "label_smoothing_factor", "bf16", "fp16",
    "seed",
)  # fmt: skip
"""Arguments of the Trainer that decide a result, and that a reader looks for."""
_NUMBER = re.compile(r"[-+~]?[\d.,]+(\s|%|e|$)|nan|-?inf|–")
_LOGS = 20  # of a history, those shown
_LOG_FORMATS = {"step": ",", "loss": ".4f", "learning_rate": ".2e", "grad_norm": ".3f", "tokens_per_second": ",.0f"}


def score_rows(report: RunReport) -> Rows:
    """Return every evaluation with its scores, then the baselines."""
    shown = [score for score in report.glossary if any(score.key in row for row in report.scores)]
    rows = [
        [_place(row), *(format_score(row.get(score.key), score.format_spec) for score in shown)]
        for row in report.scores
    ]
    for name, values in report.baselines.items():
        cells = (format_score(values.get(score.key), score.format_spec) for score in shown)
        rows.append([baseline_label(name), *cells])
    return ["evaluation", *(score.label for score in shown)], rows


def history_rows(report: RunReport) -> Rows:
    """Return about twenty of the training logs, evenly chosen, and the last one."""
    kept = report.history[:: max(1, -(-len(report.history) // _LOGS))]
    if report.history and kept[-1] is not report.history[-1]:
        kept.append(report.history[-1])
    logs: list[Mapping[str, object]] = [*kept]
    rows = [[_place(log), *(format_score(log.get(name), spec) for name, spec in _LOG_FORMATS.items())] for log in logs]
    return ["", *(name.replace("_", " ") for name in _LOG_FORMATS)], rows


def _place(row: Mapping[str, object]) -> str:
    """Return the phase and the epoch of an evaluation or a log; an evaluation without a training has none."""
    phase, epoch = row.get("phase"), row.get("epoch")
    if "epoch" not in row and "step" not in row:
        return "this model"
    before = "" if phase is None else f"phase {phase}, "
    return f"{before}epoch {round(epoch, 2) if isinstance(epoch, int | float) else 0:g}"


def time_rows(report: RunReport) -> Rows:
    """Return the seconds of each stage and their share of the run."""
    total = max(filter(is_finite_number, report.timings.values()), default=0.0) or 1.0
    rows = [
        [stage, format_score(seconds, ",.1f"), f"{seconds / total:.0%}" if is_finite_number(seconds) else ""]
        for stage, seconds in report.timings.items()
    ]
    return ["stage", "seconds", "share"], rows


def setting_rows(report: RunReport) -> Rows:
    """Return the settings that are not None, of the Trainer's arguments the important ones, and the versions."""
    rows = []
    for group, values in report.settings.items():
        names = [*TRAINING_ARGUMENTS, "output_dir"] if group == "training" else list(values)
        rows += [[f"{group}: {name}", str(values[name])] for name in names if values.get(name) is not None]
    rows += [[f"version: {name}", version] for name, version in report.versions.items()]
    return ["setting", "value"], rows


def data_rows(report: RunReport) -> Rows:
    """Return the statistics of the data, a column a split."""
    columns = {split: dict(flat_statistics(values)) for split, values in report.data.items()}
    names = dict.fromkeys(name for column in columns.values() for name in column)
    rows = [[name, *(format_statistic(column.get(name)) for column in columns.values())] for name in names]
    return ["", *columns], rows


def flat_statistics(statistics: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the statistics of a split by the name that a reader sees; shares of labels one by one."""
    for name, value in statistics.items():
        if isinstance(value, Mapping):
            yield from ((f"label {label}", share) for label, share in value.items())
        else:
            yield name.replace("_", " "), value


def parameter_rows(report: RunReport, indent: str, deepest: int = 3) -> Rows:
    """Return the tree of parameters, each module after `indent` times its depth."""
    rows = [
        [indent * depth + module["name"], *(f"{module[kind]:,}" for kind in ("total", "trainable", "tied"))]
        for depth, module in modules(report.parameters, deepest)
    ]
    return ["module", "parameters", "trainable", "tied"], rows


def modules(module: ParameterTree, deepest: int, depth: int = 0) -> Iterator[tuple[int, ParameterTree]]:
    """Yield (depth, module) of a tree, top down."""
    yield depth, module
    if depth < deepest:
        for child in module.get("children", ()):
            yield from modules(child, deepest, depth + 1)


def numeric_columns(header: Sequence[object], rows: Sequence[Sequence[object]]) -> list[bool]:
    """Return for each column whether it holds numbers, with or without a unit; the first one never does."""
    columns = [[str(row[place]) for row in rows] for place in range(len(header))]
    return [place > 0 and all(_NUMBER.match(cell) for cell in column if cell) for place, column in enumerate(columns)]
