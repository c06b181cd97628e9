"""Whether the figures of a report are finite: what is not, and where."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..details import classification_details, question_answering_details
from ..drawable import not_drawable
from ..numbers import is_non_finite
from ..records import ModuleChange
from ..schema import Finding, RunReport
from .classification import one_class_predicted
from .course import has_non_finite_result, is_non_finite_row
from .view import CORRELATIONS, moment

_MOST = 6  # places that the evidence names
_PLACES = ("epoch", "step", "phase")  # of a row, and no figure
# Columns of the training logs that no other rule looks at.
_OF_LOGS = ("learning_rate", "tokens_per_second")


class NonFinite(NamedTuple):
    """A figure that is NaN or infinite."""

    name: str
    """For a reader."""
    where: str
    value: str
    key: str = ""
    """Of the score; empty for what is no score."""
    is_result: bool = False
    """Whether it is of the saved weights."""

    def __str__(self) -> str:
        return f"{self.name} {self.where} is {self.value}"


def score_not_finite(report: RunReport) -> Finding | None:
    """A score, its interval or baseline, a figure of a plot, or a curve but loss and gradient norm is NaN or infinite.

    Evaluations whose losses or logits are not finite are left to LOSS_NOT_FINITE, and undefined correlations of a
    constant prediction to ONE_CLASS_PREDICTED.
    """
    found = list(non_finite_figures(report))
    if any(figure.key in CORRELATIONS for figure in found) and one_class_predicted(report) is not None:
        found = [figure for figure in found if figure.key not in CORRELATIONS]
    if not found:
        return None
    result = [figure for figure in found if figure.is_result]
    main = report.glossary[0].key if report.glossary else None
    is_main = any(figure.key and figure.key == (main or figure.key) for figure in result)
    further = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return Finding(
        "SCORE_NOT_FINITE", "error" if is_main else "warning" if result else "note",
        f"NaN or infinite: {'; '.join(map(str, found[:_MOST]))}{further}.",
        {"figures": [str(figure) for figure in found], "count": len(found)},
        ["the examples leave the score undefined, as where none has the label that is looked for, or all have the same "
         "target", "the predictions are not finite", "a metric of your own divides by 0"],
        ["Look at the references and the predictions: how many different ones are there, and are all finite?",
         "Compare runs and choose the best checkpoint by a score that is finite in every evaluation."],
    )  # fmt: skip


def non_finite_figures(report: RunReport) -> Iterator[NonFinite]:
    """Yield what is not finite, that of the saved weights first."""
    labels = {score.key: score.label for score in report.glossary}
    if not has_non_finite_result(report):
        yield from _scores(report.result, "of the saved weights", labels, is_result=True)
        for split, scores in _scores_by_split(report).items():
            yield from _scores(scores, f"on {split}", labels, is_result=True, known=report.result)
    for key, interval in report.intervals.items():
        for end, value in zip(("lower", "upper"), interval or (), strict=False):
            if is_non_finite(value):
                where = f"of {labels.get(key, key)}"
                yield NonFinite(f"the {end} end of the interval", where, str(value), is_result=True)
    for baseline, scores in report.baselines.items():
        yield from _scores(scores, f"of the {baseline} baseline", labels)
    rows = [row for row in report.scores if row != report.result and not is_non_finite_row(row)]
    for row in rows:
        yield from _scores(row, moment(row) or "in an evaluation", labels)
    for name in _OF_LOGS:
        yield from _first(name, report.history, "the training logs")
    yield from _first("learning_rate", report.schedule, "the schedule")
    modules: Sequence[ModuleChange] = report.change.get("modules", [])
    for module in modules:
        if is_non_finite(module.get("relative_change")):
            yield NonFinite("the change of the weights", f"of {module['name']}", str(module["relative_change"]))
    for part, split, figure in not_drawable(report):
        yield NonFinite("a figure", f"of the {part}" + f" on {split}" * bool(split), str(figure))


def _scores(
    scores: Mapping[str, object], where: str, labels: Mapping[str, str], is_result: bool = False,
    known: Mapping[str, object] | None = None,
) -> Iterator[NonFinite]:  # fmt: skip
    """Yield the scores that are not finite; of those that are known already, none."""
    for key, value in scores.items():
        if key not in _PLACES and is_non_finite(value) and not is_non_finite((known or {}).get(key)):
            yield NonFinite(labels.get(key, key), where, str(value), key, is_result)


def _scores_by_split(report: RunReport) -> dict[str, Mapping[str, object]]:
    if report.recipe == "question_answering":
        details = question_answering_details(report.details)
        return {"scores": details.get("scores") or {}, "official": details.get("official") or {}}
    return {split: details["scores"] for split, details in classification_details(report.details).items()}


def _first(name: str, rows: Sequence[Mapping[str, object]], what: str) -> Iterator[NonFinite]:
    """Yield where a column is not finite for the first time, and how often it is."""
    found = [row for row in rows if is_non_finite(row.get(name))]
    if found:
        first = f", first {when}," if (when := moment(found[0])) else ""
        yield NonFinite(
            f"the {name.replace('_', ' ')}",
            f"in {len(found)} of {len(rows)} rows of {what}{first}",
            str(found[0][name]),
        )


RULES = (score_not_finite,)
