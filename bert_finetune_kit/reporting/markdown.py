"""A report as Markdown."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .parameters import CHANGE_HEADER, CHANGE_NOTE, change_rows
from .report import ReportTable, RunReport

MARKDOWN_FILE = "report.md"
_NUMBER = re.compile(r"[-+~]?[\d.,]+(\s|%|e|$)|nan|-?inf")
_SETTINGS_SHOWN = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "max_grad_norm", "num_train_epochs",
    "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "bf16", "fp16", "seed", "output_dir",
)  # fmt: skip


def write_markdown(report: RunReport, folder: str | Path) -> Path:
    """Write `report.md` into `folder`."""
    path = Path(folder) / MARKDOWN_FILE
    path.write_text(to_markdown(report), "utf-8")
    return path


def to_markdown(report: RunReport) -> str:
    """Render the whole report."""
    sections = [
        f"# {report.recipe}\n\n" + " ".join(report.summary),
        _findings(report),
        _scores(report),
        *(_table(one) for one in report.tables),
        _notes(report),
        "## Data\n\n" + table(*data_rows(report)),
        "## Parameters\n\n" + _parameters(report),
        "## Training\n\n" + table(*history_rows(report)),
        "## Time\n\n" + table(*time_rows(report)),
        "## Settings\n\n" + _settings(report),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _findings(report: RunReport) -> str:
    """What the diagnosis found; nothing where the report was never diagnosed."""
    if not report.findings:
        rules = report.evidence.get("rules")
        return "" if rules is None else f"## Findings\n\nNothing was found by {rules} rules."
    parts = []
    for one in report.findings:
        causes = f"\n\nLikely causes: {'; '.join(one.causes)}." if one.causes else ""
        advice = "".join(f"\n{number}. {text}" for number, text in enumerate(one.advice, start=1))
        parts.append(f"### {one.code} ({one.severity})\n\n{one.evidence}{causes}" + (f"\n{advice}" if advice else ""))
    return "\n\n".join(["## Findings", *parts])


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table; columns of numbers stand to the right.

    >>> print(table(("split", "tokens"), [("train", 12)]))
    | split | tokens |
    | --- | ---: |
    | train | 12 |
    """
    rows = list(rows)
    lines = [header, ["---:" if right else "---" for right in numeric(header, rows)], *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def numeric(header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[bool]:
    """Return of each column whether it holds numbers, with or without what follows them; never of the first."""
    columns = [[str(row[place]) for row in rows] for place in range(len(header))]
    return [place > 0 and all(_NUMBER.match(cell) for cell in column if cell) for place, column in enumerate(columns)]


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def score_rows(report: RunReport) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of scores: every evaluation, then the baselines."""
    shown = [score for score in report.glossary if any(score.key in row for row in report.scores)]
    rows = [[_place(row), *(_number(row.get(score.key), score.form) for score in shown)] for row in report.scores]
    for name, values in report.baselines.items():
        rows.append([f"{name} guess", *(_number(values.get(score.key), score.form) for score in shown)])
    return ["after", *(score.label for score in shown)], rows


def _place(row: dict[str, Any]) -> str:
    phase = f"phase {row['phase']}, " if "phase" in row else ""
    return f"{phase}epoch {round(row.get('epoch') or 0, 2):g}"


def _number(value: Any, form: str) -> str:
    return "" if value is None else format(value, form) if isinstance(value, int | float) else str(value)


def _scores(report: RunReport) -> str:
    if not report.scores:
        return "## Scores\n\nNothing was evaluated: there is no validation split."
    header, rows = score_rows(report)
    meanings = "\n".join(f"- **{score.label}**: {score.meaning}" for score in report.glossary if score.label in header)
    return f"## Scores\n\n{table(header, rows)}\n\n{meanings}"


def _table(one: ReportTable) -> str:
    return f"## {one.title}\n\n{table(one.header, one.rows)}" + (f"\n\n{one.note}" if one.note else "")


def _notes(report: RunReport) -> str:
    return "## Notes\n\n" + "\n".join(f"- {note}" for note in report.notes) if report.notes else ""


def data_rows(report: RunReport) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of data statistics, a column a split."""
    splits = list(report.data)
    names = dict.fromkeys(name for values in report.data.values() for name in values)
    rows = [[name.replace("_", " "), *(_value(report.data[split].get(name)) for split in splits)] for name in names]
    return ["", *splits], rows


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2%}" if 0 <= value <= 1 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


def parameter_rows(report: RunReport, indent: str) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the tree of parameters, each module `indent`ed by its depth."""
    rows = [
        [indent * depth + module["name"], *(f"{module[kind]:,}" for kind in ("total", "trainable", "tied"))]
        for depth, module in _modules(report.parameters, 0)
    ]
    return ["module", "parameters", "trainable", "tied"], rows


def _parameters(report: RunReport) -> str:
    tree = table(*parameter_rows(report, "&nbsp;" * 4))
    return tree if not report.change else f"{_change(report.change)}\n\n{tree}"


def _change(change: dict[str, Any]) -> str:
    return "\n\n".join([" ".join(change["explanation"]), table(CHANGE_HEADER, change_rows(change)), CHANGE_NOTE])


def _modules(module: dict[str, Any], depth: int, deepest: int = 3) -> Iterable[tuple[int, dict[str, Any]]]:
    yield depth, module
    if depth < deepest:
        for child in module.get("children", ()):
            yield from _modules(child, depth + 1, deepest)


def history_rows(report: RunReport) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of at most twenty logs, evenly chosen; report.json has all."""
    kept = report.history[:: max(1, -(-len(report.history) // 20))]
    if report.history and kept[-1] is not report.history[-1]:
        kept.append(report.history[-1])
    forms = {"step": ",", "loss": ".4f", "learning_rate": ".2e", "grad_norm": ".3f", "tokens_per_second": ",.0f"}
    rows = [[_place(log), *(_number(log.get(name), form) for name, form in forms.items())] for log in kept]
    return ["", *(name.replace("_", " ") for name in forms)], rows


def time_rows(report: RunReport) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the seconds by stage, and of their shares of the whole run."""
    whole = max(report.timings.values(), default=0.0) or 1.0
    rows = [[name, f"{seconds:,.1f}", f"{seconds / whole:.0%}"] for name, seconds in report.timings.items()]
    return ["stage", "seconds", "share"], rows


def setting_rows(report: RunReport) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the settings that are not none, and of the versions."""
    rows = []
    for group, values in report.settings.items():
        shown = {name: values[name] for name in _SETTINGS_SHOWN if name in values} if group == "training" else values
        rows += [[f"{group}: {name}", str(value)] for name, value in shown.items() if value is not None]
    rows += [[f"version: {name}", value] for name, value in report.versions.items()]
    return ["setting", "value"], rows


def _settings(report: RunReport) -> str:
    header, rows = setting_rows(report)
    return table(header, [[name, f"`{value}`"] for name, value in rows])
