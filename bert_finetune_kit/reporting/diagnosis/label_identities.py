"""What scores of labels say of each other: equalities and limits that no predictions violate.

Shares and correlations may be rounded; each is taken to be within half a unit of its last digit.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from ..known_scores import known_score
from ..statistics.label_scores import OF_TWO_LABELS

_TOLERANCE = 1e-5
# Equal to the accuracy where each example has one label: every wrong prediction is one of each kind of error.
_EQUAL_TO_ACCURACY = ("f1_micro", "recall_weighted")


def rounding(value: float) -> float:
    """Return half a unit of the last digit of a number, by which it may have been rounded.

    >>> rounding(0.93), rounding(7.5)
    (0.005, 0.05)
    """
    exponent = Decimal(repr(float(value))).as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def harmonic_mean(precision: float, recall: float) -> float:
    """Return F1; 0 where one of both is 0."""
    return 2 * precision * recall / (precision + recall) if min(precision, recall) > 0 else 0.0


def greatest_matthews(accuracy: float, two_labels: bool) -> float:
    """Return the greatest Matthews correlation with an accuracy, over all confusion matrices.

    Of two labels it is that of errors of one kind alone; of more, that of errors which all confuse the same two labels,
    beside any number of rare ones.

    >>> round(greatest_matthews(0.8, True), 3), round(greatest_matthews(0.8, False), 3)
    (0.667, 0.833)
    """
    return (accuracy if two_labels else 1.0) / (2 - accuracy)


def least_matthews(accuracy: float) -> float:
    """Return the least Matthews correlation with an accuracy: that of the reverse predictions of two labels.

    >>> round(least_matthews(0.8), 3)
    -0.111
    """
    return (accuracy - 1) / (1 + accuracy)


def label_faults(scores: Mapping[str, float], is_multi_label: bool) -> Iterator[str]:
    """Yield what scores of one split cannot be together, each a clause.

    Args:
        scores: finite ones by key.
        is_multi_label: whether an example may have several labels.
    """
    if "f1" in scores:
        yield from _of_f1(scores)
    for average in ("macro", "weighted"):
        yield from _of_averages(scores, average)
    if is_multi_label or "accuracy" not in scores:
        return
    for name in _EQUAL_TO_ACCURACY:
        if name in scores and _apart(scores[name], scores["accuracy"]):
            yield (
                f"{known_score('classification', name).label} {scores[name]:.4g} is not the accuracy, "
                f"{scores['accuracy']:.4g}, which it is where each example has one label"
            )
    if "matthews" in scores:
        yield from _of_matthews(scores["matthews"], scores["accuracy"], any(name in scores for name in OF_TWO_LABELS))


def _of_f1(scores: Mapping[str, float]) -> Iterator[str]:
    """Yield that F1 is not the harmonic mean of precision and recall, or too great for one of them."""
    f1 = scores["f1"]
    known = {name: scores[name] for name in ("precision", "recall") if name in scores}
    sides = [[known.get(name, 1.0) + sign * rounding(known.get(name, 1.0)) for name in ("precision", "recall")]
             for sign in (-1, 1)]  # fmt: skip
    low, high = (harmonic_mean(*side) for side in sides)
    if len(known) == 2 and not low - rounding(f1) - _TOLERANCE <= f1 <= high + rounding(f1) + _TOLERANCE:
        yield f"F1 is {f1:.3f}, but precision and recall give {harmonic_mean(*known.values()):.3f}"
    if len(known) == 1 and f1 > high + rounding(f1) + _TOLERANCE:
        ((name, value),) = known.items()
        yield f"F1 is {f1:.3f}, but with a {name} of {value:.3f} it is at most {harmonic_mean(value, 1.0):.3f}"


def _of_averages(scores: Mapping[str, float], average: str) -> Iterator[str]:
    """Yield that an average F1 is above the harmonic mean of the averages, which is a concave function of them."""
    f1, precision, recall = (scores.get(f"{name}_{average}") for name in ("f1", "precision", "recall"))
    if f1 is None or precision is None or recall is None:
        return
    most = harmonic_mean(precision + rounding(precision), recall + rounding(recall))
    if f1 > most + rounding(f1) + _TOLERANCE:
        yield (
            f"F1 {average} is {f1:.3f}, but with a precision of {precision:.3f} and a recall of {recall:.3f} it is at "
            f"most {harmonic_mean(precision, recall):.3f}"
        )


def _of_matthews(matthews: float, accuracy: float, two_labels: bool) -> Iterator[str]:
    """Yield that a correlation is out of reach of an accuracy."""
    low, high = (min(max(accuracy + sign * rounding(accuracy), 0.0), 1.0) for sign in (-1, 1))
    slack = rounding(matthews) + _TOLERANCE
    if matthews > (most := greatest_matthews(high, two_labels)) + slack:
        yield f"Matthews is {matthews:.3f}, but with an accuracy of {accuracy:.3f} it is at most {most:.3f}"
    if matthews < (least := least_matthews(low)) - slack:
        yield f"Matthews is {matthews:.3f}, but with an accuracy of {accuracy:.3f} it is at least {least:.3f}"


def _apart(first: float, second: float) -> bool:
    return abs(first - second) > rounding(first) + rounding(second) + _TOLERANCE
