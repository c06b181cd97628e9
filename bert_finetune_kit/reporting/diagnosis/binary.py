"""What the scores of two labels say of their confusion matrix, and of a constant prediction."""

from collections.abc import Mapping

import numpy as np

from ..numbers import finite_or_none

ROUNDED = 5e-4
"""Published scores have three digits."""
# One prediction in a hundred of another label, and a tenth of what should have it.
_OTHERS, _FOUND = 0.01, 0.1


def is_constant(count: float, predicted: float, support: float) -> bool:
    """Return whether a label is predicted for at least 99 of 100 examples, and at most a tenth of the others can be
    found: of a label that is that frequent, such predictions could be right.

    Args:
        count: examples.
        predicted: those that the label is predicted for.
        support: those that have it.

    >>> is_constant(1000, 992, 600), is_constant(1000, 992, 991), is_constant(1000, 1000, 1000)
    (True, False, False)
    """
    others = count - predicted
    return count > 0 and support < count and others <= _OTHERS * count and others <= _FOUND * (count - support)


def confusion_shares(scores: Mapping[str, object]) -> np.ndarray | None:
    """Return the confusion matrix of two labels in shares of the examples, (true, predicted), from accuracy, recall and
    precision of the second one; None where these do not determine it.

    Entries are below 0 where the scores contradict each other.

    >>> confusion_shares({"accuracy": 0.8, "recall": 0.75, "precision": 0.75}).round(2).tolist()
    [[0.5, 0.1], [0.1, 0.3]]
    """
    accuracy, recall, precision = (finite_or_none(scores.get(name)) for name in ("accuracy", "recall", "precision"))
    if accuracy is None or not recall or not precision:
        return None
    # TP = r P, FP = TP (1 - p) / p, and the errors are FP + (1 - r) P = 1 - a; so the share of the positives P is:
    errors = recall * (1 - precision) / precision + 1 - recall
    if not errors:
        return None
    positives = min((1 - accuracy) / errors, 1.0)
    correct, false = recall * positives, recall * positives * (1 - precision) / precision
    return np.array([[1 - positives - false, false], [positives - correct, correct]])


def constant_by_scores(scores: Mapping[str, object], majority: float | None) -> tuple[str, float | None] | None:
    """Return in words that the scores of two labels are those of a constant prediction, and the label's true share,
    which is None where no score says it.

    A recall of 1 with a precision below 1 that equals the accuracy means that the second label is predicted for every
    example: TP / (TP + FP) = (TP + TN) / n with FN = 0 and FP > 0 holds only where TN = 0. So does an F1 that is
    2 a / (1 + a) of the accuracy a: TP = F1 (1 - a) / (2 - 2 F1) = a. The macro F1 is half of that, whichever label is
    predicted, as the other one has an F1 of 0. An F1 of 0 means TP = 0; with a Matthews of 0, which is then
    proportional to -FP · FN, nothing is predicted as the second label.

    Args:
        scores: by key.
        majority: share of the most frequent label, where it is known.
    """
    names = ("accuracy", "recall", "precision", "f1", "matthews", "f1_macro")
    accuracy, recall, precision, f1, matthews, macro = (finite_or_none(scores.get(name)) for name in names)
    is_never_found = f1 == 0 and not recall and not precision
    if is_never_found and matthews == 0 and accuracy not in (0, 1):
        return "F1 and Matthews are 0, as where the first label is predicted for every example", accuracy
    if accuracy is None or accuracy in (0, 1):
        return None
    if recall == 1 and precision is not None and abs(precision - accuracy) < ROUNDED:
        return (
            f"recall is 1 and precision equals accuracy, {precision:.3f}, the share of the second label: it is "
            "predicted for every example",
            precision,
        )
    shares = [] if majority is None else [majority, 1 - majority]
    possible = not shares or any(abs(accuracy - share) < ROUNDED for share in shares)
    if recall == 0 and precision == 0 and possible:
        return "recall and precision are 0, as where the first label is predicted for every example", accuracy
    if is_never_found and not matthews and possible and accuracy > 0.5:
        return (
            f"F1 is 0 at an accuracy of {accuracy:.3f}, as where the first label is predicted for every example",
            accuracy,
        )
    if recall is None and precision is None and possible:
        of_constant = 2 * accuracy / (1 + accuracy)
        if f1 is not None and abs(f1 - of_constant) < ROUNDED:
            return f"no example of the first label is classified correctly: accuracy is {accuracy:.3f}", accuracy
        if macro is not None and f1 is None and not matthews and abs(macro - of_constant / 2) < ROUNDED:
            return (
                f"F1 macro, {macro:.4f}, is that of one of two labels predicted for every example, {accuracy:.3f} / "
                f"(1 + {accuracy:.3f})",
                accuracy,
            )
        if matthews == 0 and shares:
            return f"Matthews is 0, and accuracy, {accuracy:.3f}, is the share of one label", accuracy
    return _nearly_constant(confusion_shares(scores))


def _nearly_constant(shares: np.ndarray | None) -> tuple[str, float] | None:
    """Return the same of a confusion matrix in shares, where other predictions are one in a hundred at most."""
    if shares is None or shares.min() < -ROUNDED:
        return None
    for label, place in (("second", 1), ("first", 0)):
        support, predicted = float(shares[place].sum()), float(shares[:, place].sum())
        if is_constant(1.0, predicted, support):
            return (
                f"accuracy, recall and precision are those of a model that predicts the {label} label for "
                f"{predicted:.1%} of the examples, and its share is {support:.1%}",
                support,
            )
    return None
