"""What is known of a model that is served: from the report of its training, or from the evidence of its export."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OutputError

if TYPE_CHECKING:
    from ..reporting.headline import Headline
    from ..reporting.schema import RunReport


@dataclass(frozen=True)
class Known:
    """What the page and GET /model say beside predictions."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    """Name and value, such as model and data."""
    headlines: tuple["Headline", ...] = ()
    """The main scores with their intervals and baselines."""
    scores: tuple[dict[str, Any], ...] = ()
    """Key, label, value, and 95% interval where there is one."""


def known_of_run(run: str) -> Known:
    """Return what the report of a run says; of a model without a report its name.

    Args:
        run: folder or Hub id.
    """
    # Imported here, since an exported model is served without the packages that reports need.
    from ..reporting.headline import headlines
    from ..reporting.naming import facts, page_title
    from ..reporting.schema import RunReport
    from ..runs.saved_report import saved_report

    try:
        report = RunReport.load(run) if Path(run).is_dir() else saved_report(run)
    except OutputError:
        return Known(Path(run).resolve().name)
    return Known(page_title(report), tuple(facts(report)), tuple(headlines(report)), tuple(_scores(report)))


def known_of_export(settings: Any, run: str) -> Known:
    """Return what an exported model says of itself.

    Args:
        settings: of an exported model: `recipe`, `format`, `precision`, and `evidence` with its `scores`.
        run: its folder.
    """
    evidence = settings.evidence
    title = f"{settings.recipe.replace('_', ' ').capitalize()} by {Path(run).resolve().name}"
    values = {
        "model": f"{settings.format} {settings.precision}",
        "examples": f"{evidence['examples']:,}" if "examples" in evidence else "",
        **{
            key: f"{score['after']:.4g}" for key, score in evidence.get("scores", {}).items() if key == evidence["main"]
        },
    }
    scores = [
        {"key": key, "label": key.replace("_", " "), "value": score["after"], "interval": None}
        for key, score in evidence.get("scores", {}).items()
    ]
    return Known(title, tuple((name, value) for name, value in values.items() if value), (), tuple(scores))


def _scores(report: "RunReport") -> list[dict[str, Any]]:
    from ..reporting.numbers import finite_or_none

    scores = []
    for score in report.glossary:
        value, interval = finite_or_none(report.result.get(score.key)), report.intervals.get(score.key)
        if value is not None:
            scores.append({"key": score.key, "label": score.label, "value": value, "interval": interval})
    return scores
