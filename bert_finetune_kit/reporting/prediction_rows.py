"""Whether a row of `predictions.jsonl` has the fields that the scores of a report are computed from."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

from .numbers import is_finite_number, is_non_finite
from .prediction_scores import Row
from .schema import RunReport

_LONGEST, _MOST_LABELS = 60, 10  # that a message shows: characters of a value, labels


def row_check(report: RunReport) -> Callable[[Row], str]:
    """Return a function that says which field of a row is not one of such a run; empty where all are.

    Args:
        report: of a recipe of the kit.
    """
    task = report.settings.get("task", {})
    labels = [str(name) for name in task.get("labels") or ()]
    faults: dict[str, Callable[[Row], Iterator[str]]] = {
        "classification": partial(_classification, task.get("kind"), labels),
        "question_answering": _question_answering,
        "pretraining": _pretraining,
    }
    of_recipe = faults[report.recipe]
    return lambda row: next(chain(_no_name(row), of_recipe(row)), "")


def _no_name(row: Row) -> Iterator[str]:
    return (
        f"{field} is {_shown(row[field])}, not a name"
        for field in ("group", "context_hash")
        if isinstance(row.get(field), list | dict)
    )


def _classification(kind: str | None, labels: Sequence[str], row: Row) -> Iterator[str]:
    if "prediction" in row and row["prediction"] is None:  # of logits that are not finite
        return
    yield from _missing(row, ("prediction", "reference", "loss"))
    yield from _no_number(row, ("loss",), lambda value: value is None or _is_number(value))
    if kind == "regression" or (kind is None and "probabilities" not in row):
        yield from _no_number(row, ("reference", "prediction"), is_finite_number)
        return
    yield from _missing(row, ("probabilities",))
    shares = row["probabilities"]
    if not isinstance(shares, Mapping):
        yield f"probabilities is {_shown(shares)}, not a number for each label"
        return
    names = labels or list(shares)
    for field in ("reference", "prediction"):
        several = kind == "multi_label" or (kind is None and isinstance(row[field], list))
        if several != isinstance(row[field], list):
            yield f"{field} is {_shown(row[field])}, not {'a list of labels' if several else 'a label'}"
            return
        if unknown := [name for name in (row[field] if several else [row[field]]) if name not in names]:
            yield f"{field} is {_shown(unknown[0])}, none of the labels {_listed(names)}"
    if set(shares) != set(names):
        yield f"probabilities is {_shown(shares)}, and the labels are {_listed(names)}"
    for name, share in shares.items():
        if not is_finite_number(share):
            yield f"the probability of {name} is {_shown(share)}, not a finite number"


def _question_answering(row: Row) -> Iterator[str]:
    yield from _missing(row, ("reference", "exact", "f1"))
    yield from _no_number(row, ("exact", "f1"), is_finite_number)


def _pretraining(row: Row) -> Iterator[str]:
    yield from _missing(row, ("mlm_loss", "mlm_count", "mlm_correct", *(("pair_correct",) * ("pair_loss" in row))))
    yield from _no_number(row, ("mlm_loss", "mlm_count", "mlm_correct", "pair_loss", "pair_correct"), _is_number)


def _missing(row: Row, fields: Sequence[str]) -> Iterator[str]:
    return (f"{field} is missing" for field in fields if field not in row)


def _no_number(row: Row, fields: Sequence[str], is_number: Callable[[object], bool]) -> Iterator[str]:
    return (
        f"{field} is {_shown(row[field])}, not a number"
        for field in fields
        if field in row and not is_number(row[field])
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and is_non_finite(value))


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:_MOST_LABELS], *["…"] * (len(names) > _MOST_LABELS)])
