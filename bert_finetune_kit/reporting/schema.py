"""The report of a run: plain data, saved as JSON. Every rendering is made from it alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from ..errors import OutputError
from ..json_objects import from_mapping, read_mapping
from ..text_files import write_text
from .intervals import Interval
from .plain import Plain, package_versions, to_plain
from .records import DataOrigin, Evidence, LogRow, ModelSettings, ParameterTree, WeightChange

REPORT_FILE = "report.json"
FOLDS_FILE = "folds.json"
"""Summary of a cross-validation."""
FORMAT_VERSION = 2

ScoreRow: TypeAlias = dict[str, "float | str"]
"""One evaluation: `epoch`, `step`, for runs of several phases `phase`, and a value for each score by its key. In a
report read from its file, values that are not finite are the words "nan", "inf" and "-inf"."""


@dataclass(frozen=True)
class Score:
    """How one score is shown and read."""

    key: str
    """Name in the data, such as `f1_macro`."""
    label: str
    """Name for a reader, such as F1 macro."""
    format_spec: str
    """Format of its values, such as `.1%`."""
    description: str
    """What it measures, in one sentence without a full stop."""
    lower_is_better: bool | None = False
    """None where it is not known, or where neither is better, as of a count."""
    hub_metric: str | None = None
    """Id of the metric on the Hub, such as `f1`; None for what is no metric there."""
    is_share: bool = False
    """Whether it is a share from 0 to 1."""
    greatest: float | None = None
    """Greatest value of a score from 0 on that is no share: 100 of a percentage."""


@dataclass
class ReportTable:
    """A table of text cells."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""
    """Markdown below the table: paragraphs, and `- **name**: description` for its rows or columns."""


SEVERITIES = ("error", "warning", "note")
"""Of findings, the severest first; see `Finding`."""


@dataclass
class Finding:
    """What a rule of the diagnosis reports."""

    code: str
    """Name of the rule, such as ONE_CLASS_PREDICTED."""
    severity: str
    """`error`: the result cannot be used; `warning`: it is worse, or proves less, than it seems; `note`."""
    evidence: str
    """What was measured, in a sentence with its numbers."""
    numbers: Mapping[str, Plain] = field(default_factory=dict)
    """The numbers of the evidence."""
    causes: list[str] = field(default_factory=list)
    """Likely causes, the likeliest first."""
    advice: list[str] = field(default_factory=list)
    """What to do, the most useful step first."""


@dataclass
class RunReport:
    """All results of one run, and what is needed to understand and repeat it."""

    recipe: str
    """Name of the recipe: `pretraining`, `classification`, `question_answering`, or a user's own."""
    summary: list[str]
    """The result in a few sentences."""
    scores: list[ScoreRow]
    """One row for each evaluation, in the order of time."""
    result: ScoreRow
    """The row of the weights that were saved."""
    baselines: dict[str, dict[str, float]]
    """Scores without a model, by the name of the baseline: `uniform`, `unigram`, `majority`, `mean`,
    `always_abstain`."""
    glossary: list[Score]
    """The scores in the order in which they are shown."""
    data: Mapping[str, Mapping[str, object]]
    """Statistics by split: `CorpusStatistics`, `TextStatistics` or `QuestionStatistics` of `records.py`."""
    history: list[LogRow]
    """One row for each training log."""
    parameters: ParameterTree
    """Parameters by module, after training."""
    settings: dict[str, dict[str, Any]]
    """Settings by group. `source`: fields of the source and `DataOrigin`; `task`: fields of the task, with `labels`;
    `recipe`: fields of the recipe's config; `model`: `ModelSettings`; `training`: the Trainer's arguments."""
    timings: dict[str, float]
    """Seconds by stage; `whole run` is their total."""
    tables: list[ReportTable] = field(default_factory=list)
    """Further tables; the first one is shown on the terminal, too."""
    details: Mapping[str, object] = field(default_factory=dict)
    """The numbers behind the tables: of a classification `ClassificationDetails` by split, of question answering
    `QuestionAnsweringDetails`, read with `classification_details` and `question_answering_details` of `details.py`."""
    findings: list[Finding] = field(default_factory=list)
    """Findings of the diagnosis, the severest first."""
    evidence: Evidence = field(default_factory=lambda: Evidence())
    """What only the diagnosis needs."""
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    """95% intervals (low, high) of scores of `result`, by key."""
    reproduce: str = ""
    """Python that repeats the run."""
    change: WeightChange = field(default_factory=lambda: WeightChange())
    """How training changed the weights; empty where that is unknown."""
    fingerprint: Mapping[str, object] = field(default_factory=dict)
    """Every setting and digest that the result depends on, by name."""
    schedule: list[LogRow] = field(default_factory=list)
    """`step` and `learning_rate`, and of several phases `phase`, at some hundred steps of the schedule; empty where the
    scheduler looks at scores."""
    finished: str = ""
    """When the report was made: ISO 8601, UTC."""
    notes: list[str] = field(default_factory=list)
    """What a reader should know: newly initialized weights, skipped documents, held-out data."""
    versions: dict[str, str] = field(default_factory=package_versions)
    format_version: int = FORMAT_VERSION

    @property
    def origin(self) -> DataOrigin:
        """Where the data come from, from `settings["source"]`."""
        return cast(DataOrigin, self.settings.get("source", {}))

    @property
    def model(self) -> ModelSettings:
        """What the training started from, from `settings["model"]`."""
        return cast(ModelSettings, self.settings.get("model", {}))

    def __str__(self) -> str:
        """Return what the terminal shows of the report."""
        from .terminal import report_text

        return report_text(self)

    def _repr_html_(self) -> str:
        """Return the page of the report in a frame of its own, as a notebook shows it."""
        from .html import framed, to_html

        return framed(to_html(self))

    def save(self, folder: str | Path) -> Path:
        """Write `report.json` into `folder`, completely or not at all. NaN and infinity are written as strings."""
        text = json.dumps(to_plain(self), indent=2, ensure_ascii=False, allow_nan=False)
        return write_text(Path(folder) / REPORT_FILE, text + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> "RunReport":
        """Read the report in the folder of a run.

        Raises:
            OutputError: there is none, it is damaged, or it was written in another format.
        """
        path = Path(folder) / REPORT_FILE
        try:
            data = read_mapping(path)
            if data.get("format_version") != FORMAT_VERSION:
                raise OutputError(
                    f"{path} has format {data.get('format_version')}, but this version reads format "
                    f"{FORMAT_VERSION}. Read it with the version that wrote it ({_writer(data)}), or repeat the run."
                )
            report = from_mapping(cls, data)
            report.glossary = [from_mapping(Score, score) for score in data["glossary"]]
            report.tables = [from_mapping(ReportTable, table) for table in report.tables]
            report.findings = [from_mapping(Finding, finding) for finding in report.findings]
            unknown = {finding.severity for finding in report.findings} - set(SEVERITIES)
            if unknown:
                raise ValueError(f"findings: severity {sorted(unknown)[0]!r} is none of {', '.join(SEVERITIES)}")
            return report
        except FileNotFoundError as error:
            if (Path(folder) / FOLDS_FILE).exists():
                raise OutputError(
                    f"{folder} holds a cross-validation, whose runs are in fold-1, fold-2, …: give the folder of one."
                ) from error
            if seeds := seed_folders(folder):
                raise OutputError(
                    f"{folder} holds the runs of several seeds: give that of one, such as {seeds[0]}."
                ) from error
            raise OutputError(f"{folder} has no {REPORT_FILE}: no run has finished there.") from error
        except OutputError:
            raise
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{path} is damaged: {error}. Restore the file, or delete it and repeat the run: with resume=True "
                "(--resume) it continues from its last checkpoint."
            ) from error


def _writer(data: Mapping[str, Any]) -> str:
    versions = data.get("versions")
    known = versions.get("bert_finetune_kit") if isinstance(versions, dict) else None
    return f"bert_finetune_kit {known or 'unknown'}"


def seed_folders(folder: str | Path) -> list[Path]:
    """Return the folders of the finished runs of several seeds, by their number."""
    found = [path.parent for path in Path(folder).glob(f"seed-*/{REPORT_FILE}")]
    return sorted(found, key=lambda path: (len(path.name), path.name))
