"""The report of a run: plain data, saved as JSON; every view of it is made from this alone."""

import json
import math
import platform
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import OutputError

REPORT_FILE = "report.json"
_PLAIN_TYPES = (bool, int, float, str, Path, list, tuple, type(None))
_PACKAGES = ("bert_finetune_kit", "torch", "transformers", "accelerate", "datasets", "tokenizers", "numpy")


@dataclass(frozen=True)
class Score:
    """How to show and to read one score."""

    key: str
    label: str
    form: str
    meaning: str
    lower_is_better: bool = False


@dataclass
class ReportTable:
    """A table of a report that only its recipe knows, ready to show."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass
class Finding:
    """What a rule of `diagnosis` found in a report."""

    code: str
    """Name of the rule, such as ONE_CLASS_PREDICTED."""
    severity: str
    """`error`: the result cannot be used; `warning`: it is worse or says less than it seems; `note`: good to know."""
    evidence: str
    """What was seen, in a sentence with its numbers."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """The same as data."""
    causes: list[str] = field(default_factory=list)
    """Likely causes, the likeliest first."""
    advice: list[str] = field(default_factory=list)
    """What to do, the first thing first."""


@dataclass
class RunReport:
    """Everything that is known of one run."""

    recipe: str
    """Name of the recipe."""
    summary: list[str]
    """What happened, in a few sentences."""
    scores: list[dict[str, Any]]
    """One row an evaluation: `epoch`, `step` and the scores."""
    result: dict[str, Any]
    """The row of the weights that were saved."""
    baselines: dict[str, dict[str, float]]
    """Scores of what needs no model, by name."""
    glossary: list[Score]
    """The scores in the order to show them."""
    data: dict[str, dict[str, Any]]
    """Statistics of the data by split."""
    history: list[dict[str, Any]]
    """One row a training log: `epoch`, `step`, `loss`, `learning_rate`, `grad_norm`, `tokens_per_second`."""
    parameters: dict[str, Any]
    """Tree of `parameter_report(model).to_dict()`."""
    settings: dict[str, dict[str, Any]]
    """Settings by where they belong: source, recipe, model, training."""
    timings: dict[str, float]
    """Seconds by stage."""
    tables: list[ReportTable] = field(default_factory=list)
    """Further tables; the first one is shown on the terminal, too."""
    details: dict[str, Any] = field(default_factory=dict)
    """What the tables show, as numbers."""
    findings: list[Finding] = field(default_factory=list)
    """What the diagnosis found, the severest first."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """Numbers that the diagnosis needs and no other part holds."""
    intervals: dict[str, Any] = field(default_factory=dict)
    """95% intervals [low, high] of scores of `result`, by their keys."""
    reproduce: str = ""
    """Python that repeats the run."""
    change: dict[str, Any] = field(default_factory=dict)
    """What training changed: `compare_parameters(before, after).to_dict()`."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know: weights that are new, documents left out, data held out."""
    versions: dict[str, str] = field(default_factory=lambda: package_versions())
    format_version: int = 1

    def save(self, folder: str | Path) -> Path:
        """Write `report.json` into `folder`, whole or not at all. NaN and infinity are written as strings."""
        path = Path(folder) / REPORT_FILE
        aside = path.with_suffix(".json.part")
        text = json.dumps(_plain(asdict(self)), indent=2, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", "utf-8")
        return aside.replace(path)

    @classmethod
    def load(cls, folder: str | Path) -> "RunReport":
        """Read the report of a run's folder.

        Raises:
            OutputError: there is none, or it is damaged.
        """
        path = Path(folder) / REPORT_FILE
        try:
            data = json.loads(path.read_text("utf-8"))
            data["glossary"] = [Score(**score) for score in data["glossary"]]
            data["tables"] = [ReportTable(**one) for one in data["tables"]]
            data["findings"] = [Finding(**one) for one in data.get("findings", [])]
            return cls(**data)
        except FileNotFoundError as error:
            raise OutputError(f"{folder} holds no {REPORT_FILE}: no run has finished there.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{path} is damaged: {error}") from error


def describe_settings(settings: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as a report shows them: objects by the name of their class."""
    return {field.name: describe_object(getattr(settings, field.name)) for field in fields(settings)}


def describe_object(value: Any) -> Any:
    """Return what a report shows of a setting: plain values as they are, an object by the name of its class.

    >>> describe_object("runs/mine"), describe_object(Score("a", "a", "", ""))
    ('runs/mine', 'Score')
    """
    return value if isinstance(value, _PLAIN_TYPES) else type(value).__name__


def package_versions() -> dict[str, str]:
    """Return the versions that a run depends on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _plain(value: Any) -> Any:
    """Return `value` as JSON knows it."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
