"""Whether greater or lower is better of a score in a report."""

from .known_scores import known_score
from .schema import RunReport


def lower_is_better(report: RunReport, key: str) -> bool | None:
    """Return whether lower is better of a score; None where it is not known.

    Args:
        report: whose glossary declares the score, or whose arguments name it as the one that chooses the best
            checkpoint, with its direction.
        key: of the score.
    """
    training = report.settings.get("training", {})
    if training.get("metric_for_best_model") == key and isinstance(training.get("greater_is_better"), bool):
        return not training["greater_is_better"]
    declared = next((score for score in report.glossary if score.key == key), known_score(report.recipe, key))
    return declared.lower_is_better
