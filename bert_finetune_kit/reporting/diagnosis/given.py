"""Scores from elsewhere, such as a table of somebody's report or a file of the Trainer → the report that rules read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ...errors import ConfigError, raise_faults
from ..known_scores import KNOWN_SCORES
from ..numbers import finite_or_none
from ..records import Evidence, LogRow
from ..schema import RunReport, Score, ScoreRow
from .label_identities import rounding
from .view import CORRELATIONS

# The Trainer's prefixes, the first of which wins where several name the same score.
_PREFIXES = ("", "eval_", "test_", "predict_")
# Names that scripts write for a score of the kit, beside the ids of the Hub.
_NAMES = {"exact_match": "exact", "train_loss": "train_loss", "training_loss": "train_loss", "validation_loss": "loss",
          "acc": "accuracy", "nsp_accuracy": "pair_accuracy", "masked_accuracy": "mlm_accuracy"}  # fmt: skip
# Names that people write, in lower case with underscores.
_WRITTEN = {
    "em": "exact", "mcc": "matthews", "matthews_corrcoef": "matthews", "ppl": "perplexity",
    "macro_f1": "f1_macro", "f1_score": "f1", "micro_f1": "f1_micro", "weighted_f1": "f1_weighted", "ece":
    "calibration_error", "bleu1": "bleu_1",
}  # fmt: skip
_LARGEST = 1e300  # above it, products of two scores may be infinite, and integers are no floats
_MOST_EXAMPLES = 10**15  # up to which floats are exact
_MOST_NATS = 700  # of which the exponential is finite
_COUNTED = ("samples", "examples")  # of the evaluated examples, behind a prefix
# Of question answering, all in percent.
_PERCENTAGES = tuple(f"{prefix}{name}" for prefix in ("", "HasAns_", "NoAns_", "best_") for name in ("exact", "f1"))


def given_report(
    recipe: str, scores: Mapping[str, float] | Sequence[Mapping[str, float]], context: Mapping[str, object]
) -> RunReport:
    """Return the report of given scores.

    Names are those of the kit, of the Hub (`matthews_correlation`) or of the Trainer (`eval_accuracy`); `train_loss` of
    each row is the training loss.

    Args:
        recipe: a known one.
        scores: by name, or a list of such, one an evaluation.
        context: further facts.

    Raises:
        ConfigError: no score is known, or a value is impossible.
    """
    given = _rows(scores)
    if not given or not all(isinstance(row, Mapping) for row in given):
        raise ConfigError(f"diagnose_scores got {scores!r}: give scores by name, or a list of such.")
    no_text = dict.fromkeys(name for row in given for name in row if not isinstance(name, str))
    raise_faults(
        [f"the score name {name!r} is no text: give the scores by name" for name in no_text], "diagnose_scores"
    )
    rows = [_canonical(recipe, plain_numbers(row)) for row in given]
    context = plain_numbers(context)
    for row in rows:
        if recipe == "pretraining" and (loss := finite_or_none(row.get("mlm_loss"))) is not None and loss < _MOST_NATS:
            row.setdefault("perplexity", math.exp(loss))
    counted = {key: value for key in _COUNTED if (value := rows[-1].pop(key, None)) is not None}
    evidence = {"examples": next(iter(counted.values()))} | dict(context) if counted else dict(context)
    raise_faults(_score_faults(recipe, rows, evidence), "diagnose_scores")
    history = [
        {"loss": row["train_loss"], **{name: row[name] for name in ("step", "epoch") if name in row}}
        for row in rows if "train_loss" in row
    ]  # fmt: skip
    if recipe == "question_answering":
        if "examples" in evidence:
            rows[-1].setdefault("total", cast(float, evidence["examples"]))
        elif finite_or_none(rows[-1].get("total")):
            evidence["examples"] = rows[-1]["total"]
    settings = {"task": {"kind": "multi_label"}} if context.get("multi_label") else {}
    return RunReport(
        recipe, scores=rows, result=rows[-1], evidence=cast(Evidence, evidence), summary=[], baselines={},
        glossary=[], data={}, history=cast("list[LogRow]", history), parameters={}, settings=settings, timings={},
    )  # fmt: skip


def _rows(scores: Any) -> list[Any]:
    """Return what was given as a list, one an evaluation; of a DataFrame or a Series of pandas, without empty cells."""
    if isinstance(scores, Mapping):
        return [scores]
    if isinstance(scores, Sequence):
        return list(scores)
    import pandas as pd  # which what has no table can do without

    rows = [scores.to_dict()] if isinstance(scores, pd.Series) else []
    rows = scores.to_dict("records") if isinstance(scores, pd.DataFrame) else rows
    return [{str(name): value for name, value in row.items() if not pd.isna(value)} for row in rows]


def plain_numbers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in which numbers of numpy and torch are those of Python."""
    return {name: value.item() if getattr(value, "ndim", None) == 0 else value for name, value in given.items()}


def _canonical(recipe: str, row: Mapping[str, float]) -> ScoreRow:
    """Return a row with the names of the kit; a name that is not known is left as it is."""
    known: ScoreRow = {}
    for prefix in reversed(_PREFIXES):
        for name, value in sorted(
            row.items(), key=lambda item: item[0].removeprefix(prefix) in KNOWN_SCORES.get(recipe, {})
        ):
            if name.startswith(prefix) and (key := _key(recipe, name.removeprefix(prefix), bool(prefix))) is not None:
                known[key] = value
    return {**{name: value for name, value in row.items() if not _is_known(recipe, name)}, **known}


def _key(recipe: str, name: str, has_prefix: bool) -> str | None:
    declared = KNOWN_SCORES.get(recipe, {})
    if name in declared or (has_prefix and name in _COUNTED):
        return name
    by_hub_id = {score.hub_metric: key for key, score in reversed(declared.items()) if score.hub_metric}
    key = _NAMES.get(name, by_hub_id.get(name))
    return key if key == "train_loss" or key in declared else None


def _is_known(recipe: str, name: str) -> bool:
    return any(
        name.startswith(prefix) and _key(recipe, name.removeprefix(prefix), bool(prefix)) is not None
        for prefix in _PREFIXES
    )


def _meant(recipe: str, name: str) -> str | None:
    """Return the score that a name in other spelling, or a label, stands for; None where there is none."""
    declared = KNOWN_SCORES[recipe]
    written = name.strip().lower().replace(" ", "_").replace("-", "_")
    by_label = {score.label.lower().replace(" ", "_").replace("-", "_"): key for key, score in declared.items()}
    by_key = {key.lower(): key for key in declared}
    key = by_key.get(written) or _WRITTEN.get(written) or _NAMES.get(written) or by_label.get(written)
    return key if key == "train_loss" or key in declared else None


def _score_faults(recipe: str, rows: Sequence[ScoreRow], context: Mapping[str, object]) -> Iterator[str]:
    """Yield what is impossible in given scores."""
    declared = KNOWN_SCORES.get(recipe)
    if declared is None:  # a recipe of a user
        return
    names = [name for name in declared if any(name in row for row in rows)]
    unknown = dict.fromkeys(name for row in rows for name in row if name not in (*declared, "train_loss"))
    meant = {name: key for name in unknown if (key := _meant(recipe, name)) not in (None, name)}
    if not names and not meant:
        yield f"no known score was given; known are {', '.join(declared)}"
    for name, key in meant.items():
        yield f"unknown score {name!r}: did you mean {key!r}?"
    for name in [*names, *(["train_loss"] * any("train_loss" in row for row in rows)), *context]:
        for value in [values[name] for values in (*rows, context) if name in values]:
            if name == "modules" or (name == "multi_label" and isinstance(value, bool)):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                yield f"{name} is {value!r}: give a number"
            elif abs(cast(float, value)) > _LARGEST and value not in (math.inf, -math.inf):
                yield f"{name} has more than 300 digits: give a number that a computer calculates with"
            elif fault := _value_fault(name, float(value), declared.get(name)):
                yield f"{name} is {value}: {fault}"
    if recipe == "question_answering":
        yield from filter(None, map(_shares_fault, rows))


def _value_fault(name: str, value: float, score: Score | None) -> str | None:
    """Return why a score or a fact cannot have a value."""
    if name == "majority" or (score is not None and score.is_share):
        fault = "give a share from 0 to 1, not percent" if value > 1 else "give a share from 0 to 1" * (value < 0)
    elif name in CORRELATIONS:
        fault = "give a correlation from -1 to 1, not percent" * (abs(value) > 1)
    elif name in _PERCENTAGES:
        fault = "give a percentage from 0 to 100" * (not 0 <= value <= 100 and value == value)
    elif name == "examples":
        possible = value.is_integer() and 1 <= value <= _MOST_EXAMPLES
        fault = "give a whole number of examples, from 1 to 1,000,000,000,000,000" * (not possible)
    elif name in ("perplexity", "unigram_perplexity"):
        fault = "a perplexity is at least 1" * (value < 1)
    else:
        fault = "it cannot be below 0" * (value < 0 and (score is None or bool(score.lower_is_better)))
    return fault or None


def _shares_fault(row: ScoreRow) -> str | None:
    """Return that the scores of question answering look like shares of 1.

    Percentages of at most 1 are possible, as of a model that was not trained: with the number of questions it is seen
    whether the exact match is that of whole questions, and without it such scores are refused.
    """
    values = {name: value for name in _PERCENTAGES if (value := finite_or_none(row.get(name))) is not None}
    exact, total = values.get("exact"), finite_or_none(row.get("total"))
    if not values or not 0 < max(values.values()) <= 1 or exact == 0:
        return None
    if exact is not None and total:
        matches = exact / 100 * total
        if abs(matches - round(matches)) <= total * rounding(exact) / 100 + 1e-6 * total:
            return None
    name, value = max(values.items(), key=lambda item: item[1])
    return (
        f"{name} is {value}: these look like shares of 1; give percentages from 0 to 100, as the official script "
        "prints them. If they are percentages, give exact and total, the number of questions, too"
    )
