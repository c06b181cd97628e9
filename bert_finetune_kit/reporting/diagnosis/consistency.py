"""Whether scores can be true together: figures that contradict each other come from different models or scripts."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..known_scores import known_score
from ..numbers import finite_or_none
from ..schema import Finding, RunReport
from .binary import confusion_shares
from .label_identities import label_faults, rounding
from .view import all_answers, scored_splits, setting

Scores = Mapping[str, float]
# From here on an entry of a confusion matrix is below 0 by more than the rounding of three digits.
_IMPOSSIBLE = -0.05
# Pretrained models are as often right as they are sure, within a few points: half as often, and by five points less,
# the figures are of different models.
_HALF, _SURER = 0.5, 0.05


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


def _differs(value: float, expected: float, *inputs: float) -> bool:
    """Return whether a score differs from what others say it is by more than the rounding of all of them."""
    tolerance = rounding(value) + sum(map(rounding, inputs))
    return abs(value - expected) > tolerance + 1e-5 * abs(expected)


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
    yield from _of_masked_words(scores)
    if loss is not None and pair is not None and total is not None and _differs(total, loss + pair, loss, pair):
        yield f"The loss, {total:.4f}, is not the sum of MLM loss and pair loss, {loss + pair:.4f}"


def _of_masked_words(scores: Scores) -> Iterator[str]:
    """Yield that an accuracy of the masked words is too low for their perplexity.

    A word that is not the most probable one has a probability of one half at most, so that the perplexity is at least
    2 to the power of the share of errors. And the mean probability of the most probable words is at least that of the
    true ones, which is at least 1 / perplexity: models of words are right about that often.
    """
    perplexity, accuracy = scores.get("perplexity"), scores.get("mlm_accuracy")
    if perplexity is None or accuracy is None or perplexity < 1:
        return
    most = min(accuracy + rounding(accuracy), 1.0)
    greatest = perplexity + rounding(perplexity)
    if greatest < (least := 2 ** (1 - most)) - 1e-3:
        yield (
            f"Perplexity {perplexity:,.4g} is out of reach of an MLM accuracy of {accuracy:.1%}, with which it is at "
            f"least {least:.3f}"
        )
    elif most < _HALF / greatest and 1 / greatest - most > _SURER:
        yield (
            f"With perplexity {perplexity:,.4g} the words that the model holds most probable have a mean probability "
            f"of at least {1 / perplexity:.1%}, but the MLM accuracy is {accuracy:.1%}"
        )


def _classification(report: RunReport) -> Iterator[str]:
    is_multi_label = setting(report, "kind", "task") == "multi_label"
    for split, details in scored_splits(report):
        scores, count = _finite(details["scores"]), details.get("examples")
        yield from (f"On {split}, {fault}" for fault in label_faults(scores, is_multi_label))
        shares = None if is_multi_label else confusion_shares(scores)
        if shares is not None and shares.min() < _IMPOSSIBLE:
            yield f"On {split}, no confusion matrix of two labels has this accuracy, precision and recall"
        accuracy = scores.get("accuracy")
        if accuracy is not None and count and (error := count * rounding(accuracy) + 1e-6 * count) < 0.25:
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
        if None not in (value, *parts):
            expected = _overall(parts, answerable, without)  # type: ignore[arg-type]
            if expected is None and not min(parts) - 0.01 <= value <= max(parts) + 0.01:  # type: ignore[type-var,operator]
                yield f"The {label} of {value:.2f} is not between those of questions with and without an answer"
            if expected is not None and _differs(value, expected, *parts):  # type: ignore[arg-type]
                yield (
                    f"The {label} of {value:.2f} is not the mean over questions with and without an answer, "
                    f"{expected:.2f}"
                )
        best = scores.get(f"best_{name}")
        if value is not None and best is not None and best + 2 * rounding(best) + rounding(value) < value:
            yield f"The oracle {label} of {best:.2f} is below the {label} of {value:.2f}, which it is the best of"
    for prefix, where in (("", ""), ("HasAns_", " on questions with an answer"), ("best_", " of the oracle")):
        exact, f1 = scores.get(f"{prefix}exact"), scores.get(f"{prefix}f1")
        if exact is not None and f1 is not None and f1 + rounding(f1) + rounding(exact) < exact:
            yield (
                f"F1 {f1:.2f} is below the exact match of {exact:.2f}{where}, although an exact match has an F1 of 100"
            )
    exact, f1 = scores.get("NoAns_exact"), scores.get("NoAns_f1")
    if exact is not None and f1 is not None and _differs(exact, f1, f1):
        yield (
            f"On questions without an answer the exact match is {exact:.2f} and F1 {f1:.2f}: both are the share of "
            "questions that the model abstains on"
        )


def _overall(parts: Sequence[float], answerable: float | None, without: float | None) -> float | None:
    """Return the mean over all questions; None where their numbers are not known."""
    if answerable is None or without is None or not answerable + without:
        return None
    return (answerable * parts[0] + without * parts[1]) / (answerable + without)


_CHECKS: dict[str, Callable[[RunReport], Iterator[str]]] = {
    "pretraining": _pretraining, "classification": _classification, "question_answering": _question_answering,
}  # fmt: skip
RULES = (scores_disagree,)
