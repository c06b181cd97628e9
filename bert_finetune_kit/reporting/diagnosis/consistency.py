"""Whether scores can be true together: figures that contradict each other come from different models or scripts."""

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from ..known_scores import known_score
from ..numbers import finite_or_none
from ..schema import Finding, RunReport
from .binary import confusion_shares
from .view import all_answers, scored_splits, setting, too_few

Scores = Mapping[str, float]
# From here on an entry of a confusion matrix is below 0 by more than the rounding of three digits.
_IMPOSSIBLE = -0.05


def scores_disagree(report: RunReport) -> Finding | None:
    """Scores contradict each other by more than their rounding: a perplexity that is not exp of the loss, an F1 that is
    not that of precision and recall, an accuracy that so many examples cannot have.
    """
    faults = list(_CHECKS.get(report.recipe, lambda _: iter(()))(report))
    if not faults:
        return None
    return Finding(
        "SCORES_DISAGREE", "error", f"{' '.join(f'{fault}.' for fault in faults)}", {"faults": faults},
        ["the scores are of different models, splits or evaluations", "one of them is computed by another formula",
         "a figure was copied wrongly"],
        ["Compute all scores from the same predictions, in one evaluation.",
         "Do not interpret any of them before they agree."],
    )  # fmt: skip


def _finite(scores: Mapping[str, object]) -> dict[str, float]:
    values = ((name, finite_or_none(value)) for name, value in scores.items())
    return {name: value for name, value in values if value is not None}


def rounding(value: float) -> float:
    """Return half a unit of the last digit of a number, by which it may have been rounded.

    >>> rounding(0.93), rounding(7.5)
    (0.005, 0.05)
    """
    exponent = Decimal(repr(float(value))).as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def _differs(value: float, expected: float, *inputs: float) -> bool:
    """Return whether a score differs from what others say it is by more than the rounding of all of them."""
    tolerance = rounding(value) + sum(map(rounding, inputs))
    return abs(value - expected) > tolerance + 1e-5 * abs(expected)


def _harmonic_mean(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if min(precision, recall) > 0 else 0.0


def _exceeds(perplexity: float, loss: float) -> bool:
    """Return whether a perplexity is above exp of a loss by more than the rounding of both."""
    return math.log(perplexity) - loss > rounding(perplexity) / perplexity + rounding(loss) + 1e-3


def _pretraining(report: RunReport) -> Iterator[str]:
    scores = _finite(report.result)
    perplexity, loss, pair = (scores.get(name) for name in ("perplexity", "mlm_loss", "pair_loss"))
    total = scores.get("loss")
    if perplexity is not None and perplexity > 0 and loss is not None and loss < 700:
        nats = math.log(perplexity)
        if abs(nats - loss) > rounding(perplexity) / perplexity + rounding(loss) + 1e-3:
            hint = ""
            if pair is not None and abs(nats - loss - pair) < 0.02:
                hint = ": it is exp of the sum of both losses"
            elif abs(nats - loss * math.log(2)) < 0.02:
                hint = ": it is 2 to the power of the loss"
            yield (
                f"Perplexity {perplexity:,.1f} is not exp of the MLM loss, {loss:.4f}, which is {math.exp(loss):,.1f}"
                f"{hint}"
            )
    elif perplexity is not None and perplexity > 0 and total is not None and _exceeds(perplexity, total):
        yield f"Perplexity {perplexity:,.1f} is above exp of the loss, {total:.4f}, which the MLM loss is a part of"
    if loss is not None and pair is not None and total is not None and _differs(total, loss + pair, loss, pair):
        yield f"The loss, {total:.4f}, is not the sum of MLM loss and pair loss, {loss + pair:.4f}"


def _classification(report: RunReport) -> Iterator[str]:
    is_multi_label = setting(report, "kind", "task") == "multi_label"
    for split, details in scored_splits(report):
        scores, count = _finite(details["scores"]), details.get("examples")
        precision, recall, f1 = (scores.get(name) for name in ("precision", "recall", "f1"))
        if f1 is not None and precision is not None and recall is not None:
            expected = _harmonic_mean(precision, recall)
            low, high = (
                _harmonic_mean(precision + sign * rounding(precision), recall + sign * rounding(recall))
                for sign in (-1, 1)
            )
            if not low - rounding(f1) - 1e-5 <= f1 <= high + rounding(f1) + 1e-5:
                yield f"On {split}, F1 is {f1:.3f}, but precision and recall give {expected:.3f}"
        shares = None if is_multi_label else confusion_shares(scores)
        if shares is not None and shares.min() < _IMPOSSIBLE:
            yield f"On {split}, no confusion matrix of two labels has this accuracy, precision and recall"
        accuracy = scores.get("accuracy")
        if (
            accuracy is not None
            and count
            and not too_few(count)
            and (error := count * rounding(accuracy) + 1e-6 * count) < 0.25
        ):
            correct = accuracy * count
            if abs(correct - round(correct)) > error:
                yield f"An accuracy of {accuracy:.4g} is {correct:,.2f} of {count:,} examples, which is no whole number"
        mse, mae = scores.get("mse"), scores.get("mae")
        if mse is not None and mae is not None and mse + rounding(mse) < max(mae - rounding(mae), 0) ** 2 * (1 - 1e-6):
            yield f"On {split}, MSE {mse:.4f} is below the square of MAE {mae:.4f}, which no errors give"


def _question_answering(report: RunReport) -> Iterator[str]:
    scores = _finite(all_answers(report))
    total, answerable, without = (scores.get(name) for name in ("total", "HasAns_total", "NoAns_total"))
    if total is not None and answerable is not None and without is not None and total != answerable + without:
        yield f"{answerable:,.0f} questions with and {without:,.0f} without an answer are not {total:,.0f}"
    for name in ("exact", "f1"):
        label = known_score("question_answering", name).label
        value, *parts = (scores.get(key) for key in (name, f"HasAns_{name}", f"NoAns_{name}"))
        if None not in (value, *parts) and answerable is not None and without is not None and answerable + without:
            expected = (answerable * parts[0] + without * parts[1]) / (answerable + without)  # type: ignore[operator]
            if _differs(value, expected, *parts):  # type: ignore[arg-type]
                yield (
                    f"The {label} of {value:.2f} is not the mean over questions with and without an answer, "
                    f"{expected:.2f}"
                )
        best = scores.get(f"best_{name}")
        if value is not None and best is not None and best + 2 * rounding(best) + rounding(value) < value:
            yield f"The oracle {label} of {best:.2f} is below the {label} of {value:.2f}, which it is the best of"
    exact, f1 = scores.get("exact"), scores.get("f1")
    if exact is not None and f1 is not None and f1 + rounding(f1) + rounding(exact) < exact:
        yield f"F1 {f1:.2f} is below the exact match of {exact:.2f}, although an exact match has an F1 of 100"


_CHECKS: dict[str, Callable[[RunReport], Iterator[str]]] = {
    "pretraining": _pretraining, "classification": _classification, "question_answering": _question_answering,
}  # fmt: skip
RULES = (scores_disagree,)
