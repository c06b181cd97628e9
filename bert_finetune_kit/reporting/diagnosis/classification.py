"""Rules on a classification. Scores are shares of 1; each rule reports the first split that it applies to."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..details import ClassificationDetails, ReliabilityBin
from ..intervals import wilson
from ..known_scores import known_score
from ..numbers import finite_or_none, is_non_finite
from ..schema import Finding, RunReport
from .binary import ROUNDED, confusion_shares, constant_by_scores, is_constant
from .course import has_non_finite, longer, lower_rate, shorter
from .view import CORRELATIONS, measured, scored_splits, setting, statistic, too_few

# Imbalance ratio from which the KEEL repository calls a data set highly imbalanced (Fernández et al. 2008).
_HIGHLY_IMBALANCED = 9.0
# Fine-tuned BERT is off by 2 to 7 points on text of its own kind (Desai and Durrett 2020, table 3).
_MISCALIBRATED = 0.1
_BEYOND_CHANCE = 1.2  # one calibrated model in twenty exceeds the 95th percentile, at most one in 150 this (simulated)
_WITHOUT_TEMPERATURE = (
    "Do not show the probabilities as they are; evaluate on more examples: a temperature is fitted on half of them, if "
    "these are 50 or more, and predict() uses it."
)
_WITH_TEMPERATURE = "Take probabilities from predict(), which uses the temperature; a stock pipeline does not."


def one_class_predicted(report: RunReport) -> Finding | None:
    """The model predicts the same label for at least 99 of 100 examples, and finds hardly any of the others."""
    if setting(report, "kind", "task") == "multi_label":
        return None
    for split, details in scored_splits(report):
        if too_few(details.get("examples")):
            continue
        if "by_label" in details:
            constant: tuple[str, float | None] | None = _constant_by_counts(details)
        else:
            constant = constant_by_scores(details["scores"], measured(report, "majority"))
        if constant is None and (undefined := _undefined_correlation(report, split, details)) is not None:
            return undefined
        if constant is None:
            continue
        reason, share = constant
        f1 = finite_or_none(details["scores"].get("f1"))
        if f1 is not None and share is not None and abs(f1 - 2 * share / (1 + share)) < ROUNDED:
            reason += f"; F1 {f1:.4f} is that of a constant prediction, 2 · {share:.3f} / (1 + {share:.3f})"
        return Finding(
            "ONE_CLASS_PREDICTED", "error", f"On {split}, {reason}.",
            {"split": split, "base_rate": share, "f1": f1},
            ["too few steps, or a learning rate that is too low",
             "the learning rate is too high: the training has collapsed", "the encoder's weights were not loaded",
             "one label is far more frequent"],
            ["Do not report the F1 without that of the constant prediction.",
             *longer(report, "Train longer, if the training loss stays at ln(labels)."),
             *lower_rate(report, "Lower the learning rate, if the training loss fell before and rose again."),
             "Start from a pretrained checkpoint, and check that its weights are loaded.",
             "Choose the best checkpoint by Matthews or macro F1, which are low for a constant prediction."],
        )  # fmt: skip
    return None


def _undefined_correlation(report: RunReport, split: str, details: ClassificationDetails) -> Finding | None:
    """Return that a correlation is not defined: the predictions, or the references, are all equal."""
    names = [name for name in CORRELATIONS if is_non_finite(details["scores"].get(name))]
    if not names or has_non_finite(report):
        return None
    labels = " and ".join(known_score("classification", name).label for name in names)
    is_label = names == ["matthews"]
    what = "label" if is_label else "value"
    return Finding(
        "ONE_CLASS_PREDICTED", "error",
        f"On {split}, {labels} {'is' if len(names) == 1 else 'are'} not defined (NaN), as where the same {what} is "
        "predicted for every example.",
        {"split": split, "base_rate": None, "f1": finite_or_none(details["scores"].get("f1"))},
        ["too few steps, or a learning rate that is too low",
         "the learning rate is too high: the training has collapsed", "the encoder's weights were not loaded",
         f"all examples that were scored have the same {'label' if is_label else 'target'}"],
        ["Look at the predictions, and at the references: how many different ones are there?",
         *longer(report, "Train longer, if the training loss stays where it began."),
         *lower_rate(report, "Lower the learning rate, if the training loss fell before and rose again."),
         "Start from a pretrained checkpoint, and check that its weights are loaded."],
    )  # fmt: skip


def _constant_by_counts(details: ClassificationDetails) -> tuple[str, float] | None:
    """Return in words that nearly only one of several labels is predicted, and its true share."""
    label, scores = max(details["by_label"].items(), key=lambda item: item[1]["predicted"])
    count = sum(other["predicted"] for other in details["by_label"].values())
    if not is_constant(count, scores["predicted"], scores["support"]):
        return None
    share = scores["support"] / count
    accuracy = finite_or_none(details["scores"].get("accuracy"))
    if scores["predicted"] == count:
        return f"{label!r} is predicted for all {count:,.0f} examples: the accuracy of {share:.1%} is its share", share
    known = "" if accuracy is None else f"; accuracy is {accuracy:.1%}"
    return (
        f"{label!r} is predicted for {scores['predicted']:,.0f} of {count:,.0f} examples, and its share is "
        f"{share:.1%}{known}",
        share,
    )


def labels_permuted(report: RunReport) -> Finding | None:
    """The predictions are correct once the labels are renamed.

    The 95% interval of the best renaming must lie above the share of the most frequent label, and above the accuracy
    with its interval: that of random predictions does not.
    """
    for split, details in scored_splits(report):
        confusion = _confusion(details)
        if confusion is None:
            continue
        count = int(confusion.sum())
        true, predicted = linear_sum_assignment(confusion, maximize=True)
        renamed, correct = int(confusion[true, predicted].sum()), int(np.trace(confusion))
        low = wilson(renamed, count)[0]
        if low <= confusion.sum(1).max() / count or low <= wilson(correct, count)[1]:
            continue
        names = list(details.get("by_label", ("0", "1")))
        pairs = [
            f"{names[column]!r} means {names[row]!r}"
            for row, column in zip(true.tolist(), predicted.tolist(), strict=True)
            if row != column
        ]
        return Finding(
            "LABELS_PERMUTED", "error",
            f"On {count:,} examples of {split}, accuracy is {correct / count:.1%}, and {renamed / count:.1%} if "
            f"{' and '.join(pairs[:4])}.",
            {"split": split, "accuracy": correct / count, "renamed": renamed / count},
            ["the label ids of training and validation, or of the checkpoint, have another order",
             "a column was sorted or encoded again for one split"],
            ["Give labels by name, with the same names in the same order for all splits.",
             "Check id2label of the checkpoint."],
        )  # fmt: skip
    return None


def imbalanced(report: RunReport) -> Finding | None:
    """The most frequent label is nine times as frequent as the rarest one."""
    shares = report.data.get("train", {}).get("label_shares")
    if setting(report, "kind", "task") == "multi_label" or not isinstance(shares, Mapping) or len(shares) < 2:
        return None
    frequent, rare = (choose(shares, key=lambda name: float(shares[name])) for choose in (max, min))
    if shares[frequent] < _HIGHLY_IMBALANCED * shares[rare] or too_few(statistic(report, "train", "examples")):
        return None
    weighted = setting(report, "class_weights", "recipe") is not None
    return Finding(
        "IMBALANCED", "note" if weighted else "warning",
        f"{shares[frequent]:.1%} of the training examples are {frequent!r}, {shares[rare]:.1%} are {rare!r}"
        f"{'; class weights are set' if weighted else ''}.",
        {"shares": dict(shares)},
        ["the rarest label is that rare in the data", "the rows are sorted, and only the first ones were used"],
        ["Report macro F1 or Matthews, not accuracy.", "Set class_weights='balanced'.",
         "Collect examples of the rare label."],
    )  # fmt: skip


def not_calibrated(report: RunReport) -> Finding | None:
    """Confidence and accuracy differ by more than a tenth, and clearly by more than chance.

    Where a temperature was fitted that mends it, this is a note.

    The error is that of the table and the chart of calibration: over bins of equal mass, of the examples that nothing
    was fitted on. Scores alone have the error that they give. Chance is the 95th percentile of the error of as many
    examples with the same confidences, were these exact.
    """
    for split, details in scored_splits(report):
        judged = details.get("calibration")
        if judged is None:
            error = finite_or_none(details["scores"].get("calibration_error"))
            chance = finite_or_none((report.evidence.get("calibration_by_chance") or {}).get(split)) or 0.0
            where, bins = f"On {split}", details.get("reliability", {}).get("bins") or []
        else:
            error, chance = judged["before"]["calibration_error"], judged["before"]["by_chance"]
            where = f"On the {judged['judged_on']:,} examples of {split} that nothing was fitted on"
            bins = judged["before"]["bins"]
        if error is None or error <= max(_MISCALIBRATED, _BEYOND_CHANCE * chance):
            continue
        excess = _excess_of_confidence(bins)
        direction = (
            ""
            if excess is None
            else (f"; confidence is on average {abs(excess):.1%} {'above' if excess > 0 else 'below'} accuracy")
        )
        calibrated = _calibrated_error(details)
        over = [
            "over-confidence: the model is surer of its wrong predictions than it should be",
            "validation text unlike the training text",
        ]
        under = ["too little training: correct, but with low confidence"]
        return Finding(
            "NOT_CALIBRATED", "warning" if calibrated is None else "note",
            f"{where}, the expected calibration error is {error:.1%}{direction}"
            + (f"; a calibrated model would have at most {chance:.1%} by chance." if chance else ".")
            + ("" if calibrated is None else f" With the temperature that was fitted it is {calibrated:.1%}."),
            {"split": split, "calibration_error": error, "by_chance": chance, "excess": excess},
            over + under if excess is None else over if excess > 0 else under,
            [_WITHOUT_TEMPERATURE if calibrated is None else _WITH_TEMPERATURE,
             *(longer(report, "Train longer.") if excess is not None and excess < 0 else
               [*shorter(report, "Train for fewer epochs."), "Train with label_smoothing_factor=0.1."])],
        )  # fmt: skip
    return None


def _calibrated_error(details: ClassificationDetails) -> float | None:
    """Return the error of the calibrated probabilities; None where none are fitted, or chance does not explain it."""
    judged = details.get("calibration")
    if judged is None or all(value == 1 for value in judged["temperatures"].values()):
        return None
    error, chance = judged["after"]["calibration_error"], judged["after"]["by_chance"]
    return error if error <= chance else None


def _excess_of_confidence(bins: Sequence[ReliabilityBin]) -> float | None:
    """Return mean confidence minus accuracy; None where they are not known."""
    count = sum(part["count"] for part in bins)
    return sum(part["count"] * (part["confidence"] - part["accuracy"]) for part in bins) / count if count else None


def _confusion(details: ClassificationDetails) -> np.ndarray | None:
    """Return the confusion matrix, (true, predicted); of two labels also from recall, precision and accuracy."""
    if "confusion" in details:
        matrix = np.array(details["confusion"])
        return matrix if matrix.sum() else None
    count = details.get("examples")
    shares = None if "by_label" in details else confusion_shares(details["scores"])
    return None if shares is None or not count else (np.maximum(shares, 0) * count).round().astype(int)


RULES = (one_class_predicted, labels_permuted, imbalanced, not_calibrated)
