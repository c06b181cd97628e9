"""A cross-validation as one run: the report of its out-of-fold predictions, by which it is compared."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..json_objects import from_mapping, read_mapping
from .folds import FoldsReport
from .schema import FOLDS_FILE, REPORT_FILE, RunReport, Score

OUT_OF_FOLD = "out of fold"
"""Name of the split of these predictions."""


def is_cross_validation(folder: str | Path) -> bool:
    """Return whether a folder holds a cross-validation, and no run of its own."""
    return (Path(folder) / FOLDS_FILE).exists() and not (Path(folder) / REPORT_FILE).exists()


def pooled_report(folder: str | Path) -> RunReport:
    """Return the report of the out-of-fold predictions of a cross-validation.

    Scores, intervals and baselines are those of all predictions together, settings and parameters those of the first
    fold.

    Args:
        folder: of the cross-validation.

    Raises:
        OutputError: a file is damaged, or that of the first fold is missing.
    """
    path = Path(folder) / FOLDS_FILE
    try:
        summary = from_mapping(FoldsReport, read_mapping(path))
        glossary = [from_mapping(Score, score) for score in summary.glossary]
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{path} is damaged: {error}. Repeat the cross-validation: what has finished is not trained again."
        ) from error
    first = RunReport.load(Path(folder) / "fold-1")
    return replace(
        first,
        result=dict(summary.pooled),
        scores=[dict(summary.pooled)],
        intervals=dict(summary.intervals),
        baselines=summary.baselines,
        glossary=glossary,
        data={OUT_OF_FOLD: {"examples": sum(summary.scored), "folds": summary.folds}},
        settings=_settings(first.settings, summary),
        details={},
        findings=[],
        history=[],
        timings={},
    )


def _settings(settings: Mapping[str, dict[str, Any]], summary: FoldsReport) -> dict[str, dict[str, Any]]:
    """Return the settings of a fold, with the name of all data in place of that of its own."""
    name = dict(summary.facts).get("data", "")
    return {**settings, "source": {**settings.get("source", {}), "name": name}}
